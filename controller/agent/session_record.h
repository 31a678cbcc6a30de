#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/object/json.h"

namespace midwatch::agent {

/// What an entry of a session log is about; the word stands in its `kind`.
enum class RecordKind : std::uint8_t {
  kReasoning,   ///< `reasoning`: a piece of what the sidecar thinks.
  kAnswer,      ///< `answer`: a piece of what it says.
  kPrompt,      ///< `prompt`: what it was asked, or a piece of it played back.
  kToolCall,    ///< `toolCall`: it uses a tool.
  kToolResult,  ///< `toolResult`: what came of that.
  kPlan,        ///< `plan`: what it means to do, and how far it is.
  kPermission,  ///< `permission`: it asked for leave, and what was answered.
  kUsage,       ///< `usage`: tokens and cost so far.
  kResult,      ///< `result`: what it submitted, and whether that was accepted.
  kSystem,      ///< `system`: what the agent did or noticed.
  kDiagnostic,  ///< `diagnostic`: a line of its standard error.
};

std::string_view WordOf(RecordKind kind);

/// One entry: a text, or `data` with named members, or both.
struct SessionRecord {
  RecordKind kind = RecordKind::kSystem;
  std::string text;
  Json data = {};      ///< An object, or null.
  bool piece = false;  ///< The text continues that of the record before, if it is of the same kind.

  friend bool operator==(const SessionRecord&, const SessionRecord&) = default;
};

}  // namespace midwatch::agent
