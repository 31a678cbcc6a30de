#pragma once

#include <string>

#include "controller/api/dispatch.h"
#include "controller/cli/context.h"
#include "controller/runtime/view.h"

namespace midwatch::cli {

/// Says where a Dispatch stands and why: of one that has not started, the controller's own rules in
/// their order, which hold, what stands in the way and what ends it.
std::string ExplainDispatch(const api::Dispatch& dispatch, const View& view,
                            const Context& context);

}  // namespace midwatch::cli
