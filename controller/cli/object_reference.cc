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
                               Names{"report", "reports", "rep"}};

std::string WithoutGroup(std::string_view kind) {
  const std::string lower = ToLower(kind);
  return lower.substr(0, lower.find('.'));
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

Result<ObjectReference> ParseReference(std::string_view text) {
  const std::vector<std::string> parts = PartsOf(text);
  switch (parts.size()) {
    case 1:
      return ObjectReference{.kind = {}, .namespace_name = {}, .name = parts[0]};
    case 2:
      return IsKindWord(parts[0])
                 ? ObjectReference{.kind = parts[0], .namespace_name = {}, .name = parts[1]}
                 : ObjectReference{.kind = {}, .namespace_name = parts[0], .name = parts[1]};
    case 3:
      return ObjectReference{.kind = parts[0], .namespace_name = parts[1], .name = parts[2]};
    default:
      return Fail(ErrorCode::kInvalid,
                  "expected NAME, KIND/NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME");
  }
}

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
  MIDWATCH_ASSIGN(ObjectReference reference, ParseReference(text));
  if (reference.kind.empty()) {
    return reference;
  }
  const std::string said = WithoutGroup(reference.kind);
  for (const Names& names : kNames) {
    const bool named = said == names.kind || said == names.plural || said == names.short_name;
    if (named && std::find(kinds.begin(), kinds.end(), names.kind) != kinds.end()) {
      reference.kind = names.kind;
      return reference;
    }
  }
  std::vector<std::string> forms;
  for (const std::string& kind : kinds) {
    forms.push_back(kind + "/NAME");
  }
  return Fail(ErrorCode::kInvalid, "expected " + Join(forms, " or "));
}

}  // namespace midwatch::cli
