#pragma once

#include <string>
#include <vector>

#include "controller/api/field_table.h"

namespace midwatch::agent {

/// Replaces known secrets by `***`, as they are and as JSON escapes them, ours and Go's. Immutable.
class SecretMask {
 public:
  static constexpr std::size_t kShortest = 6;  ///< Shorter ones would mask half of every text.

  /// Those that are too short are left out.
  explicit SecretMask(const std::vector<std::string>& secrets);

  std::string operator()(std::string text) const;

 private:
  std::vector<std::string> needles_;  // Longest first.
};

/// The values of the variables whose names say that they are secret.
std::vector<std::string> SecretsOf(const api::StringMap& environment);

}  // namespace midwatch::agent
