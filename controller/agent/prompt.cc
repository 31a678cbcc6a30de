#include "controller/agent/prompt.h"

#include <algorithm>

#include "controller/agent/mcp_tools.h"
#include "controller/base/digest.h"

namespace midwatch::agent {
namespace {

std::string_view NameOf(api::MissionType type) {
  switch (type) {
    case api::MissionType::kAutoDiagnose:
      return "diagnose";
    case api::MissionType::kApprovalRecommend:
      return "approval";
    case api::MissionType::kSummarizeJob:
      return "summarize";
  }
  return "diagnose";
}

std::string TemplateFor(api::MissionType type, const PromptTemplates& replaced) {
  const auto own = replaced.find(NameOf(type));
  if (own != replaced.end()) {
    return own->second;
  }
  for (const EmbeddedPrompt& prompt : EmbeddedPrompts()) {
    if (prompt.name == NameOf(type)) return std::string(prompt.text);
  }
  return {};
}

/// The last whole lines of the text within the limit.
std::string EndOf(const ArtifactText& text) {
  std::size_t first = text.line_count() + 1;
  std::size_t size = 0;
  while (first > 1 && size + text.Line(first - 1).size() + 1 <= kMaxLogExcerpt) {
    --first;
    size += text.Line(first).size() + 1;
  }
  return std::string(text.Lines(first, text.line_count()));
}

}  // namespace

std::string Fenced(std::string_view text, std::string_view info) {
  std::size_t longest = 2;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return fence + std::string(info) + "\n" + std::string(text) + "\n" + fence;
}

Prompt BuildPrompt(const api::RunSpec& run, const ArtifactTexts& inputs,
                   const PromptTemplates& replaced) {
  Prompt prompt;
  prompt.instructions = TemplateFor(run.mission_type, replaced);
  prompt.attachments.push_back(
      {"midwatch://run/job.json", "application/json", Fenced(JobTool(run, inputs), "json")});
  if (const auto log = inputs.find("log"); log != inputs.end()) {
    prompt.attachments.push_back({"midwatch://run/log-end.txt", "text/plain",
                                  Fenced(EndOf(log->second), "text the end of the log")});
  }
  std::string all = prompt.instructions;
  for (const AcpConfig::Attachment& attachment : prompt.attachments) all += attachment.text;
  prompt.digest = DigestOf(all);
  prompt.bytes = all.size();
  return prompt;
}

}  // namespace midwatch::agent
