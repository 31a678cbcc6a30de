#include "controller/agent/secret_mask.h"

#include <algorithm>
#include <cstring>
#include <limits>
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

constexpr std::size_t kHeads = std::size_t{1} << 16;
/// What a comparison costs at least, in bytes.
constexpr std::size_t kComparison = 64;

/// The first bytes of a text that has so many.
std::uint64_t HeadOf(std::string_view text) {
  std::uint64_t head = 0;
  std::memcpy(&head, text.data(), SecretMask::kShortest);
  return head;
}

std::size_t PlaceOf(std::uint64_t head) {
  return static_cast<std::size_t>((head * 0x9E3779B97F4A7C15U) >> 48U);
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
  if (!needles_.empty()) heads_.resize(kHeads);
  for (std::uint32_t i = 0; i < needles_.size(); ++i) {
    const std::uint64_t head = HeadOf(needles_[i]);
    by_head_[head].push_back(i);
    heads_[PlaceOf(head)] = true;
  }
}

/// The length of the longest secret at the beginning of the text, or 0.
std::size_t SecretMask::MatchAt(std::string_view text, std::size_t& left) const {
  const std::uint64_t head = HeadOf(text);
  if (!heads_[PlaceOf(head)]) return 0;
  const auto found = by_head_.find(head);
  if (found == by_head_.end()) return 0;
  for (const std::uint32_t index : found->second) {
    const std::string& needle = needles_[index];
    left -= std::min(left, needle.size() + kComparison);
    if (left == 0) return 0;
    if (text.starts_with(needle)) return needle.size();
  }
  return 0;
}

std::optional<std::string> SecretMask::Within(std::string_view text, std::size_t& left) const {
  constexpr std::string_view kMasked = "***";
  std::string out;
  std::size_t masked = 0;  // All that is before it is in `out`.
  const bool may_have = !needles_.empty() && text.size() >= kShortest;
  const std::size_t last = may_have ? text.size() - kShortest + 1 : 0;
  for (std::size_t at = 0; at < last; ++at) {
    const std::size_t size = MatchAt(text.substr(at), left);
    if (left == 0) return std::nullopt;
    if (size == 0) continue;
    if (at >= masked) out.append(text, masked, at - masked).append(kMasked);
    masked = std::max(masked, at + size);
  }
  return out.append(text, masked);
}

std::string SecretMask::operator()(std::string text) const {
  if (needles_.empty()) return text;
  std::size_t unbounded = std::numeric_limits<std::size_t>::max();
  return *Within(text, unbounded);
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
