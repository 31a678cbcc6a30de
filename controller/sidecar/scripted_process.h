#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "controller/base/line_splitter.h"
#include "controller/env/process_runner.h"
#include "controller/sidecar/scripted_agent.h"

namespace midwatch::sidecar {

/// A ScriptedAgent with its MCP server as a child process: `midwatch sidecar scripted` but for its
/// standard streams. Thread-safe: input comes from one thread, the MCP server's lines from the
/// runner's.
class ScriptedProcess {
 public:
  struct Ports {
    ProcessRunner& processes;
    std::function<void(std::string_view)> write;  ///< To standard output. Calls come one at a time.
    std::function<void(int)> exit;                ///< Ends this process at once.
  };

  /// `environment` is what the MCP server gets besides what the client names.
  ScriptedProcess(Ports ports, ScriptedAgent agent, std::map<std::string, std::string> environment);
  ~ScriptedProcess();

  void OnInput(std::string_view bytes);

 private:
  class McpSink;

  void OnMcpOutput(std::string_view bytes);
  void OnMcpExit(ProcessExit exit);
  void Take(const SidecarOutputs& outputs);
  void Start(const StartMcp& start);

  Ports ports_;
  ScriptedAgent agent_;
  const std::map<std::string, std::string> environment_;
  std::mutex mutex_;
  LineSplitter input_{kMaxJsonRpcLine};
  LineSplitter mcp_input_{kMaxJsonRpcLine};
  std::shared_ptr<McpSink> sink_;
  std::unique_ptr<Process> mcp_;
};

}  // namespace midwatch::sidecar
