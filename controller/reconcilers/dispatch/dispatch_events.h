#pragma once

#include <optional>

#include "controller/api/dispatch.h"
#include "controller/api/run.h"
#include "controller/reconcilers/scope/occurrence.h"

namespace midwatch::dispatch {

/// What the change of a Dispatch's status has to tell: parked, assigned, how it ended. Nothing
/// while phase and reason stay; nor what may befall thousands at once: that it queues for a slot or
/// a lock, which passes by itself, and that what was told to be parked still is, for another reason
/// (its status says which). Nor that what was assigned runs. Each reason is told for each of the
/// last kRunsTold Runs.
std::optional<Occurrence> OccurrenceOf(const api::DispatchStatus& before,
                                       const api::DispatchStatus& after);

/// That a Run is asked to stop.
Occurrence OccurrenceOf(const api::Dispatch& dispatch, api::StopReason why);

inline constexpr std::int64_t kRunsTold = 8;

}  // namespace midwatch::dispatch
