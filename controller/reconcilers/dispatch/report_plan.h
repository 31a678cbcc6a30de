#pragma once

#include <vector>

#include "controller/api/agent.h"
#include "controller/api/dispatch.h"
#include "controller/api/module_job.h"
#include "controller/api/report.h"
#include "controller/api/run.h"
#include "controller/base/result.h"

namespace midwatch::dispatch {

/// The Report of a Run that submitted a result. kInvalid if the result is not what its digest says,
/// or does not have the shape of its mission type: an agent's word alone makes no Report.
Result<api::Report> MakeReport(const api::Dispatch& dispatch, const api::Run& run);

/// The Run of a Dispatch that has just been assigned (its status names instance, sidecar and Run).
/// `history`: the last jobs of the Module, newest first.
api::Run MakeRun(const api::Dispatch& dispatch, const api::ModuleJob* job,
                 const std::vector<api::RunHistoryEntry>& history, api::Permissions permissions);

/// What a Run is told about an earlier job.
api::RunHistoryEntry HistoryEntryOf(const api::ModuleJob& job);

/// Entries of history that a Run carries.
inline constexpr std::size_t kHistoryEntries = 20;

}  // namespace midwatch::dispatch
