#pragma once

#include <string>

#include "controller/base/result.h"

namespace midwatch::posix {

/// `midwatch mcp`: what a sidecar starts as its MCP server. Connects to the agent's socket of this
/// session, shows the ticket of $MIDWATCH_TICKET, and passes bytes between it and the standard
/// streams until one side ends. Fails if there is no ticket or the agent cannot be reached.
Result<void> RunMcpProxy(const std::string& socket_path);

}  // namespace midwatch::posix
