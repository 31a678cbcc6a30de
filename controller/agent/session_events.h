#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "controller/base/result.h"
#include "controller/env/process_runner.h"
#include "controller/env/ticket_server.h"
#include "controller/object/json.h"

namespace midwatch::agent {

/// Bytes of a Run that may wait for the actor: its process is killed beyond that.
inline constexpr std::size_t kMaxWaitingBytes = std::size_t{16} << 20;
/// From there on no connection of the Run is read.
inline constexpr std::size_t kFullOfTools = std::size_t{4} << 20;
/// What a piece counts besides its bytes: the event that carries it.
inline constexpr std::size_t kPieceCost = 256;
inline constexpr std::size_t kMaxConnections = 4;  ///< Of a Run.

/// Counts the bytes of a Run that wait: its sinks add, its session subtracts.
using WaitingBytes = std::shared_ptr<std::atomic<std::size_t>>;

// What comes back to a session from outside.
struct InputArrived {
  std::string name;
  Result<std::string> bytes;
};
struct ProcessOutput {
  std::string bytes;
  bool is_error = false;  ///< From its standard error.
};
struct ProcessFlooded {
};  ///< It writes faster than anybody reads; the rest of its output is dropped.
struct ProcessEnded {
  ProcessExit exit;
};
struct ToolsOpened {
  std::uint64_t connection = 0;
  std::shared_ptr<TicketConnection> peer;
};
struct ToolsBytes {
  std::uint64_t connection = 0;
  std::string bytes;
};
struct ToolsClosed {
  std::uint64_t connection = 0;
};
struct ArtifactSaved {
  std::uint64_t connection = 0;
  Json request;
  std::string name;
  std::string media_type;
  std::size_t size = 0;
  Result<std::string> digest;
};
struct ResultStored {
  Result<std::string> digest;
};
struct LogAppended {
  Result<std::uint64_t> size;
};
using SessionEvent =
    std::variant<InputArrived, ProcessOutput, ProcessFlooded, ProcessEnded, ToolsOpened, ToolsBytes,
                 ToolsClosed, ArtifactSaved, ResultStored, LogAppended>;
/// Hands an event to the session's actor. Any thread.
using PostEvent = std::function<void(SessionEvent)>;

std::shared_ptr<ProcessSink> MakeProcessSink(PostEvent post, WaitingBytes waiting);
/// Does not want more while too much of the Run waits.
std::shared_ptr<TicketSink> MakeToolsSink(PostEvent post, std::uint64_t connection,
                                          WaitingBytes waiting);

}  // namespace midwatch::agent
