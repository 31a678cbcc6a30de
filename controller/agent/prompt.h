#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/agent/acp_session.h"
#include "controller/agent/artifact_text.h"
#include "controller/api/run.h"

namespace midwatch::agent {

/// A file of /prompts, built in.
struct EmbeddedPrompt {
  std::string_view name;  ///< `diagnose`, `approval`, `summarize`.
  std::string_view text;
};
std::span<const EmbeddedPrompt> EmbeddedPrompts();

/// Templates that replace the built-in ones, by name; read by whoever configures the agent.
using PromptTemplates = std::map<std::string, std::string, std::less<>>;

/// What a sidecar is told. `instructions` is the template and nothing else; what came from outside
/// stands only in the attachments, each in a fence that its text cannot close.
struct Prompt {
  std::string instructions;
  std::vector<AcpConfig::Attachment> attachments;
  std::string digest;     ///< Of instructions and attachments in order.
  std::size_t bytes = 0;  ///< Their length.
};

/// The end of the log that is attached, at most.
inline constexpr std::size_t kMaxLogExcerpt = 4096;

Prompt BuildPrompt(const api::RunSpec& run, const ArtifactTexts& inputs,
                   const PromptTemplates& replaced);

/// The text between two lines of as many backquotes (at least three) as it takes that none within
/// closes it.
std::string Fenced(std::string_view text, std::string_view info);

}  // namespace midwatch::agent
