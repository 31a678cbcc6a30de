#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controller/api/field_table.h"
#include "controller/object/json.h"

namespace midwatch::agent {

/// Replaces known secrets by `***`, as they are and as JSON escapes them, ours and Go's; what
/// overlaps, as one. A text is gone through once, however many secrets there are. Immutable.
class SecretMask {
 public:
  static constexpr std::size_t kShortest = 6;  ///< Shorter ones would mask half of every text.

  SecretMask() = default;
  /// Those that are too short are left out.
  explicit SecretMask(const std::vector<std::string>& secrets);

  std::string operator()(std::string text) const;
  /// For secrets that somebody chose who is not trusted: nothing once more than `left` bytes were
  /// compared. Secrets and texts that begin alike, over and over, take for ever.
  std::optional<std::string> Within(std::string_view text, std::size_t& left) const;
  /// Masked first, then cut to `limit` bytes: no part of a secret is left at the end.
  std::string Prefix(std::string_view text, std::size_t limit) const;
  /// How many bytes at the end of a text that goes on may be the beginning of a secret.
  std::size_t Unfinished(std::string_view text) const;

 private:
  std::size_t MatchAt(std::string_view text, std::size_t& left) const;

  std::vector<std::string> needles_;                                       // Longest first.
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_head_;  // Indexes, in order.
  std::vector<bool> heads_;  // What by_head_ may have: most places of a text cost no more.
};

/// The document with every string in it changed; names of members stay.
Json WithEachString(Json value, const std::function<std::string(std::string)>& change);

/// The values of the variables whose names say that they are secret.
std::vector<std::string> SecretsOf(const api::StringMap& environment);

}  // namespace midwatch::agent
