#include "controller/agent/secret_mask.h"

#include <algorithm>
#include <utility>

#include "controller/base/text.h"

namespace midwatch::agent {
namespace {

/// As Go's encoder writes what ours did, and with it OpenTofu and Terraform: fit for HTML.
std::string AsGoWrites(std::string_view quoted) {
  std::string out;
  for (const char c : quoted) {
    out += c == '&' ? "\\u0026" : c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : std::string(1, c);
  }
  return out;
}

}  // namespace

SecretMask::SecretMask(const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    if (secret.size() < kShortest) continue;
    needles_.push_back(secret);
    const std::string quoted = Json(secret).Dump();
    needles_.push_back(quoted.substr(1, quoted.size() - 2));
    needles_.push_back(AsGoWrites(needles_.back()));
  }
  std::sort(needles_.begin(), needles_.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  needles_.erase(std::unique(needles_.begin(), needles_.end()), needles_.end());
}

std::string SecretMask::operator()(std::string text) const {
  constexpr std::string_view kMasked = "***";
  for (const std::string& needle : needles_) {
    std::size_t at = text.find(needle);
    if (at == std::string::npos) continue;
    std::string out;  // Not in place: what follows would be moved for each.
    std::size_t kept = 0;
    for (; at != std::string::npos; at = text.find(needle, kept)) {
      out.append(text, kept, at - kept).append(kMasked);
      kept = at + needle.size();
    }
    text = out.append(text, kept);
  }
  return text;
}

std::string SecretMask::Prefix(std::string_view text, std::size_t limit) const {
  return std::string(Utf8Prefix((*this)(std::string(text)), limit));
}

std::size_t SecretMask::Unfinished(std::string_view text) const {
  std::size_t longest = 0;
  for (const std::string& needle : needles_) {
    const std::string_view begin(needle);
    std::size_t size = std::min(begin.size() - 1, text.size());
    while (size > longest && !text.ends_with(begin.substr(0, size))) --size;
    longest = std::max(longest, size);
  }
  return longest;
}

Json WithEachString(Json value, const std::function<std::string(std::string)>& change) {
  if (value.IsString()) return change(value.AsString());
  if (value.IsArray()) {
    for (Json& item : value.MutableItems()) item = WithEachString(std::move(item), change);
  }
  if (value.IsObject()) {
    for (Json::Member& member : value.MutableMembers()) {
      member.value = WithEachString(std::move(member.value), change);
    }
  }
  return value;
}

std::vector<std::string> SecretsOf(const api::StringMap& environment) {
  constexpr std::string_view kTelling[] = {"key", "token", "secret", "password", "credential"};
  std::vector<std::string> secrets;
  for (const auto& [name, value] : environment) {
    const std::string lower = ToLower(name);
    const bool telling = std::any_of(std::begin(kTelling), std::end(kTelling), [&](auto word) {
      return lower.find(word) != std::string::npos;
    });
    if (telling) secrets.push_back(value);
  }
  return secrets;
}

}  // namespace midwatch::agent
