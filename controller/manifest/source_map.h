#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/manifest/manifest_error.h"

namespace midwatch::manifest {

/// Where each node of a document stands in its file. Immutable once loaded; copies share it.
class SourceMap {
 public:
  /// A node: a member of the mapping, or an item of the sequence, at `parent`.
  struct Place {
    std::uint32_t parent = 0;  ///< Stands before it. The root is its own parent.
    std::uint32_t index = 0;   ///< Of an item.
    std::string name;          ///< Of a member.
    bool member = false;
    Position at;  ///< Of the key, or of the item.
  };

  SourceMap() = default;
  explicit SourceMap(std::vector<Place> places)
      : places_(std::make_shared<const std::vector<Place>>(std::move(places))) {}

  /// Position of the field that a path of validation names (`spec.tasks[2].name`,
  /// `metadata.labels[a.b/c]`), or of its nearest parent that stands in the file.
  Position Find(std::string_view field) const;

  /// The parts of the map below each item of the sequence in that member of the root, in order.
  std::vector<SourceMap> ItemsOf(std::string_view member) const;

  Position root() const;

 private:
  bool InSubtree(std::uint32_t place, std::uint32_t node) const;
  std::uint32_t Child(std::uint32_t node, std::string_view& rest) const;

  std::shared_ptr<const std::vector<Place>> places_;
  std::uint32_t root_ = 0;
};

}  // namespace midwatch::manifest
