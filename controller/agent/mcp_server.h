#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/agent/artifact_text.h"
#include "controller/agent/mcp_tools.h"
#include "controller/agent/outward_text.h"
#include "controller/agent/result_check.h"
#include "controller/agent/secret_mask.h"
#include "controller/agent/session_record.h"
#include "controller/api/run.h"
#include "controller/base/result.h"
#include "controller/object/json.h"
#include "controller/object/json_rpc.h"

namespace midwatch::agent {

/// Of a plan that is still read.
inline constexpr std::size_t kMaxPlan = std::size_t{64} << 20;

/// What the tools of one Run have to work with and what came of them: one for all connections of
/// the Run.
struct McpDesk {
  api::RunSpec run;
  ArtifactTexts inputs;
  ResultCheck check;
  Json result;  ///< The accepted result as it is kept; null until there is one.
  int refused_results = 0;
  std::string last_refusal;
  std::size_t saved_bytes = 0;
  std::size_t search_left = kMaxSearchCostOfRun;
  std::vector<std::string> saved;  ///< Names of the artifacts that were saved.
  Json plan;                       ///< The parsed plan, if there is one; null otherwise.

  SecretMask mask;      ///< What is submitted passes it before it is checked,
  OutwardText outward;  ///< and what is accepted passes this.

  McpDesk(api::RunSpec spec, ArtifactTexts texts, SecretMask secrets = {});
};

struct McpSend {
  std::string line;
};
/// To be put into the artifact store; OnSaved tells how that went.
struct McpSave {
  Json request;  ///< Its id.
  std::string name;
  std::string media_type;  ///< As it came.
  std::string bytes;
};
struct McpSubmitted {};  ///< The desk holds a result now.
using McpOutput = std::variant<McpSend, McpSave, McpSubmitted, SessionRecord>;
using McpOutputs = std::vector<McpOutput>;

/// The server's side of one connection of the Model Context Protocol (modelcontextprotocol.io) for
/// the tools of a Run: `job`, `log`, `plan`, `history`, `save_artifact`, `submit_result`. A machine
/// without I/O.
///
/// Speaks the revisions with `initialize` (2024-11-05 to 2025-11-25) and 2026-07-28
/// (`server/discover`, the version in each request's `_meta`). A tool that was called wrongly
/// answers a result with `isError`, so that a model can mend it; an unknown tool or method is a
/// JSON-RPC error. `notifications/cancelled` needs no action: every call but save_artifact is
/// answered at once.
///
/// Bounds: 1 MiB a line, kMaxUnreadable lines that are no JSON-RPC, one accepted result,
/// kMaxRefusals refused ones, kMaxSaved artifacts of kMaxSavedBytes in all.
class McpServer {
 public:
  /// The desk outlives the server.
  explicit McpServer(McpDesk& desk, std::string version)
      : desk_(desk), version_(std::move(version)) {}

  McpOutputs OnLine(std::string_view line);
  McpOutputs OnLineTooLong();
  /// The answer to McpSave.
  McpOutputs OnSaved(const Json& request, const std::string& name,
                     const Result<std::string>& digest);

  /// More came that nobody can read than from a mistake: there is nobody to speak with.
  bool IsBabble() const { return unreadable_ > kMaxUnreadable; }

  static std::vector<std::string> ToolNames();

  static constexpr int kMaxUnreadable = 100;
  static constexpr int kMaxRefusals = 20;
  static constexpr std::size_t kMaxSaved = 32;
  static constexpr std::size_t kMaxSavedBytes = std::size_t{16} << 20;

 private:
  struct ToolResult {
    std::string text;
    bool is_error = false;
  };

  void OnRequest(const JsonRpcMessage& message);
  void OnInitialize(const JsonRpcMessage& message);
  void CallTool(const JsonRpcMessage& message);
  Result<Json> AsKept(Result<Json> accepted) const;
  ToolResult SubmitResult(const Json& arguments);
  std::optional<ToolResult> SaveArtifact(const Json& id, const Json& arguments);
  void Answer(const Json& id, Json result);
  void AnswerTool(const Json& id, const ToolResult& result);

  McpDesk& desk_;
  std::string version_;
  int unreadable_ = 0;
  bool modern_ = false;  // The message being answered is of 2026-07-28.
  McpOutputs out_;
};

}  // namespace midwatch::agent
