#include "controller/object/object_key.h"

#include <vector>

#include "controller/base/text.h"

namespace midwatch {

std::string ObjectKey::ToString() const {
  return namespace_name.empty() ? resource + "/" + name
                                : resource + "/" + namespace_name + "/" + name;
}

std::optional<ObjectKey> ParseNamespacedKey(std::string_view text) {
  const std::vector<std::string_view> parts = Split(text, '/');
  if (parts.size() != 3) {
    return std::nullopt;
  }
  return ObjectKey{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
}

std::size_t ObjectKeyHash::operator()(const ObjectKey& key) const {
  constexpr std::size_t kGolden = 0x9E3779B97F4A7C15;
  const std::hash<std::string> hash;
  std::size_t out = hash(key.resource);
  for (const std::string* part : {&key.namespace_name, &key.name}) {
    out ^= hash(*part) + kGolden + (out << 6U) + (out >> 2U);
  }
  return out;
}

}  // namespace midwatch
