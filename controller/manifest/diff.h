#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/object/json.h"

namespace midwatch::manifest {

enum class ChangeKind : std::uint8_t { kAdded, kRemoved, kChanged };

/// One field that differs. Of what was added or removed the topmost field is named.
struct FieldChange {
  ChangeKind kind = ChangeKind::kChanged;
  std::string field;  ///< `spec.tasks[2].name`, `metadata.labels[a.b/c]`.
  Json before;
  Json after;

  friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

/// What differs between two objects, in the order of names; without what servers write
/// (DropServerFields). Values of Secrets are replaced by `(hidden)`.
std::vector<FieldChange> DiffFields(const Json& before, const Json& after);

struct DiffStyle {
  bool color = false;
  std::size_t context = 3;  ///< Lines around a change.
};

/// The two objects as YAML, line by line: `+`, `-` or a space in front, far parts left out as
/// `...`. Null `before`: all of it is new; null `after`: all of it goes. Empty if nothing differs.
std::string RenderDiff(const Json& before, const Json& after, const DiffStyle& style = {});

}  // namespace midwatch::manifest
