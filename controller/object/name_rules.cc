#include "controller/object/name_rules.h"

#include <algorithm>

namespace midwatch {
namespace {

constexpr std::size_t kLabelLength = 63;
constexpr std::size_t kSubdomainLength = 253;

bool IsLowerAlnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsAlnum(char c) { return IsLowerAlnum(c) || (c >= 'A' && c <= 'Z'); }

/// Begins and ends with `edge`, has only `edge` and `inner` between; not empty.
bool HasShape(std::string_view text, bool (*edge)(char), std::string_view inner) {
  return !text.empty() && edge(text.front()) && edge(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return edge(c) || inner.find(c) != std::string_view::npos; });
}

bool IsDnsLabel(std::string_view text) { return HasShape(text, IsLowerAlnum, "-"); }

bool IsSubdomain(std::string_view text) {
  for (std::size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.')) {
    if (!IsDnsLabel(text.substr(0, dot))) {
      return false;
    }
    text.remove_prefix(dot + 1);
  }
  return IsDnsLabel(text);
}

std::string TooLongText(std::size_t most) {
  return "must be no more than " + std::to_string(most) + " bytes";
}

constexpr std::string_view kSubdomainText =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kDnsLabelText =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must "
    "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kNamePartText =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with "
    "an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view kLabelValueText =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view kQualifiedText =
    "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used "
    "for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain "
    "prefix "
    "and '/' (e.g. 'example.com/MyName')";

}  // namespace

std::optional<std::string> CheckDnsSubdomain(std::string_view text) {
  if (text.size() > kSubdomainLength) {
    return TooLongText(kSubdomainLength);
  }
  return IsSubdomain(text) ? std::nullopt : std::optional(std::string(kSubdomainText));
}

std::optional<std::string> CheckDnsLabel(std::string_view text) {
  if (text.size() > kLabelLength) {
    return TooLongText(kLabelLength);
  }
  return IsDnsLabel(text) ? std::nullopt : std::optional(std::string(kDnsLabelText));
}

std::optional<std::string> CheckQualifiedName(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view prefix = text.substr(0, slash);
    text.remove_prefix(slash + 1);
    if (text.find('/') != std::string_view::npos) {
      return std::string(kQualifiedText);
    }
    if (prefix.empty()) {
      return "prefix part must be non-empty";
    }
    if (const auto problem = CheckDnsSubdomain(prefix)) {
      return "prefix part " + *problem;
    }
  }
  if (text.empty()) {
    return "name part must be non-empty";
  }
  if (text.size() > kLabelLength) {
    return "name part " + TooLongText(kLabelLength);
  }
  return HasShape(text, IsAlnum, "-_.") ? std::nullopt : std::optional(std::string(kNamePartText));
}

std::optional<std::string> CheckLabelValue(std::string_view text) {
  if (text.size() > kLabelLength) {
    return TooLongText(kLabelLength);
  }
  return text.empty() || HasShape(text, IsAlnum, "-_.")
             ? std::nullopt
             : std::optional(std::string(kLabelValueText));
}

void SetLabel(std::map<std::string, std::string, std::less<>>& labels, std::string_view key,
              std::string_view value) {
  if (!value.empty() && !CheckLabelValue(value)) {
    labels.insert_or_assign(std::string(key), std::string(value));
  }
}

std::string_view NameStem(std::string_view name, std::size_t longest) {
  name = name.substr(0, longest);
  while (name.ends_with('.')) {  // No part of a name begins or ends with `-`.
    name.remove_suffix(1);
  }
  return name;
}

}  // namespace midwatch
