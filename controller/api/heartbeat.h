#pragma once

#include <string_view>

#include "controller/api/agent_instance.h"

namespace midwatch::api {

/// The condition of an AgentInstance that says whether its heartbeat is fresh: True; Unknown while
/// there is none any more and its agent may still be alive; False, for good, once it is not.
inline constexpr std::string_view kConnected = "Connected";

/// Whether it is known that no process of the instance works any more or ever will.
bool IsLost(const AgentInstanceStatus& status);

}  // namespace midwatch::api
