#pragma once

#include <compare>
#include <functional>
#include <string>

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

struct ObjectKeyHash {
  std::size_t operator()(const ObjectKey& key) const;
};

}  // namespace midwatch
