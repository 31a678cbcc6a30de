#pragma once

#include <string>

namespace midwatch::posix {

/// `midwatch mcp`: what a sidecar starts as its MCP server. Connects to the agent's socket of this
/// session, shows the ticket of $MIDWATCH_TICKET, and passes bytes between it and the standard
/// streams until one side ends. The exit code: 0, or 1 if the agent could not be reached (said on
/// standard error).
int RunMcpProxy(const std::string& socket_path);

}  // namespace midwatch::posix
