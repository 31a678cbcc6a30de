#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/agent/secret_mask.h"
#include "controller/agent/session_record.h"
#include "controller/api/artifacts.h"
#include "controller/api/values.h"
#include "controller/base/time.h"
#include "controller/object/json.h"
#include "controller/object/json_rpc.h"

namespace midwatch::agent {

/// What a session needs to know from the start.
struct AcpConfig {
  std::string working_directory;
  Json mcp_servers = Json::EmptyArray();  ///< As `session/new` takes them.
  std::string instructions;               ///< Text of the prompt.
  struct Attachment {
    std::string uri;
    std::string media_type;
    std::string text;
  };
  std::vector<Attachment> attachments;  ///< Data, never instructions.
  api::Permissions permissions = api::Permissions::kDenyAll;
  std::vector<std::string> own_tools;  ///< Names of the tools of the Run's MCP server.
  std::string version;                 ///< Of Midwatch.
  SecretMask mask;                     ///< Passed before anything is cut.
};

/// How a session ended.
enum class AcpEnd : std::uint8_t {
  kCompleted,  ///< The turn ended; `why` is the stop reason.
  kRefused,    ///< The sidecar refuses to go on.
  kCancelled,
  kBroken,  ///< It broke the protocol, speaks another version, reported an error, or was silent too
            ///< long.
};

struct AcpSend {
  std::string line;
};
struct AcpIntroduced {
  std::string producer;  ///< `name version`, as it came.
};
struct AcpUsage {
  api::Usage usage;
};
struct AcpEnded {
  AcpEnd end;
  std::string why;
};
using AcpOutput = std::variant<AcpSend, SessionRecord, AcpIntroduced, AcpUsage, AcpEnded>;
using AcpOutputs = std::vector<AcpOutput>;

/// The client's side of one session of the Agent Client Protocol, version 1
/// (agentclientprotocol.com): a machine without I/O.
///
///   state         | what happens                              | next
///   --------------|-------------------------------------------|--------------
///   kNew          | Start: `initialize` is sent               | kInitializing
///   kInitializing | version 1 is confirmed: `session/new`     | kCreating
///   kCreating     | the session has an id: `session/prompt`   | kPrompting
///   kPrompting    | the turn ends                             | kEnded
///   any           | Cancel: `session/cancel` if prompting     | kCancelling, else kEnded
///   any           | an error, another version, a line over 1 MiB, too much that is no message, a
///                 | handshake that takes too long             | kEnded
///
/// Of what a sidecar may ask, only permission is answered by a rule: tools of the Run itself are
/// allowed, with AllowReads those of kind `read`, `search` and `think` too, everything else is
/// rejected (`allow_always` is never chosen). Files, terminals, elicitation and unknown requests
/// are refused: they were not offered. Unknown notifications and updates are recorded and ignored;
/// JSON that is no message (a batch is none) is answered with an error, other text is not.
/// Every output is in the order in which it must happen.
class AcpSession {
 public:
  explicit AcpSession(AcpConfig config) : config_(std::move(config)) {}

  AcpOutputs Start(MonoTime now);
  AcpOutputs OnLine(std::string_view line);
  AcpOutputs OnLineTooLong();
  /// A handshake's deadline may have passed.
  AcpOutputs OnTime(MonoTime now);
  AcpOutputs Cancel();

  bool ended() const { return state_ == State::kEnded; }
  std::optional<MonoTime> NextWake() const;

  static constexpr std::int64_t kProtocolVersion = 1;
  static constexpr int kMaxBadLines = 20;  ///< Lines that are no message; one more ends it.
  static constexpr std::size_t kMaxToolCalls = 4096;  ///< Whose kinds are remembered.
  static constexpr Duration kHandshakeTime = std::chrono::seconds(60);

 private:
  enum class State : std::uint8_t {
    kNew,
    kInitializing,
    kCreating,
    kPrompting,
    kCancelling,
    kEnded
  };

  void OnResult(const JsonRpcMessage& message);
  void OnError(const JsonRpcMessage& message);
  void OnRequest(const JsonRpcMessage& message);
  void OnNotification(const JsonRpcMessage& message);
  void OnInitialized(const Json& result);
  void OnCreated(const Json& result);
  void OnTurnEnded(const Json& result);
  void OnUpdate(const Json& update);
  void OnToolCall(const Json& update, bool is_new);
  void OnPermission(const JsonRpcMessage& message);
  void OnBadLine(const std::string& why, std::string_view line);
  bool IsAllowed(const Json& tool_call) const;
  bool IsOurs(const Json& params) const;  ///< They name our session.
  Json Prompt() const;
  void Ask(std::string_view method, Json params);
  void Record(RecordKind kind, std::string text, Json data = {}, bool piece = false);
  void End(AcpEnd end, std::string why);

  const AcpConfig config_;
  State state_ = State::kNew;
  std::int64_t next_id_ = 0;  // The one request that is open has the id before it.
  std::string session_id_;
  bool takes_resources_ = false;
  std::map<std::string, std::string> tool_kinds_;  // By toolCallId.
  int bad_lines_ = 0;
  MonoTime handshake_until_;
  AcpOutputs out_;
};

}  // namespace midwatch::agent
