#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace midwatch {

/// Names one object: its resource (`modulejobs.midwatch.dev`), namespace (empty if cluster-scoped)
/// and name.
struct ObjectKey {
  std::string resource;
  std::string namespace_name;
  std::string name;

  /// `modulejobs.midwatch.dev/payments/database-42`, for messages and logs.
  std::string ToString() const;

  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

/// What ToString has written of an object in a namespace; nothing of any other text.
std::optional<ObjectKey> ParseNamespacedKey(std::string_view text);

struct ObjectKeyHash {
  std::size_t operator()(const ObjectKey& key) const;
};

}  // namespace midwatch
