#include "controller/cli/object_reference.h"

#include <algorithm>
#include <array>

#include "controller/api/kinds.h"
#include "controller/base/text.h"

namespace midwatch::cli {
namespace {

struct Names {
  std::string_view kind;
  std::string_view plural;
  std::string_view short_name;
};
constexpr std::array kNames = {Names{"modulejob", "modulejobs", "mj"},
                               Names{"dispatch", "dispatches", "dp"}, Names{"run", "runs", "rn"},
                               Names{"report", "reports", "rep"},
                               Names{"gitsource", "gitsources", "gs"}};

std::string WithoutGroup(std::string_view kind) {
  const std::string lower = ToLower(kind);
  return lower.substr(0, lower.find('.'));
}

/// The kind among these that the word names; else nothing.
std::string KindAmong(const std::vector<std::string>& kinds, std::string_view word) {
  const std::string said = WithoutGroup(word);
  for (const Names& names : kNames) {
    const bool named = said == names.kind || said == names.plural || said == names.short_name;
    if (named && std::find(kinds.begin(), kinds.end(), names.kind) != kinds.end()) {
      return std::string(names.kind);
    }
  }
  return {};
}

/// One to three parts, none of them empty; else nothing.
std::vector<std::string> PartsOf(std::string_view text) {
  std::vector<std::string> parts;
  for (const std::string_view part : Split(text, '/')) {
    parts.emplace_back(part);
  }
  const bool bad = parts.size() > 3 || std::any_of(parts.begin(), parts.end(),
                                                   [](const auto& part) { return part.empty(); });
  return bad ? std::vector<std::string>() : parts;
}

}  // namespace

Result<ObjectReference> ParseTypedReference(std::string_view text) {
  const std::vector<std::string> parts = PartsOf(text);
  if (parts.size() < 2) {
    return Fail(ErrorCode::kInvalid,
                Quote(text) + ": expected TYPE/NAME or TYPE/NAMESPACE/NAME as the other arguments");
  }
  return ObjectReference{.kind = parts.front(),
                         .namespace_name = parts.size() == 3 ? parts[1] : std::string(),
                         .name = parts.back()};
}

Result<ObjectReference> ParseReferenceTo(std::string_view text,
                                         const std::vector<std::string>& kinds) {
  const std::vector<std::string> parts = PartsOf(text);
  if (parts.empty()) {
    return Fail(ErrorCode::kInvalid,
                "expected NAME, KIND/NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME");
  }
  ObjectReference reference{.kind = KindAmong(kinds, parts.size() > 1 ? parts.front() : ""),
                            .namespace_name = {},
                            .name = parts.back()};
  if (parts.size() == 3 && reference.kind.empty()) {
    std::vector<std::string> forms;
    for (const std::string& kind : kinds) {
      forms.push_back(kind + "/NAMESPACE/NAME");
    }
    return Fail(ErrorCode::kInvalid, "expected " + Join(forms, " or "));
  }
  if (parts.size() == 3 || (parts.size() == 2 && reference.kind.empty())) {
    reference.namespace_name = parts[parts.size() - 2];
  }
  return reference;
}

bool IsKindWord(std::string_view word) {
  const std::string said = WithoutGroup(word);
  const auto called = [&](const ResourceType& type) {
    return said == ToLower(type.kind) || said == type.plural;
  };
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](const Names& names) { return said == names.short_name; }) ||
         std::any_of(api::OurKinds().begin(), api::OurKinds().end(), called) ||
         std::any_of(api::CoreKinds().begin(), api::CoreKinds().end(), called);
}

}  // namespace midwatch::cli
