#pragma once

#include <string>

#include "controller/api/module_job.h"
#include "controller/cli/context.h"
#include "controller/runtime/view.h"

namespace midwatch::cli {

/// Says for each transition of a job which missions covered it, and of those that did not why not.
std::string ExplainJob(const api::ModuleJob& job, const View& view, const Context& context);

}  // namespace midwatch::cli
