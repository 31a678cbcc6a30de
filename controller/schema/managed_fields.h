#pragma once

#include <map>
#include <string>

#include "controller/object/json.h"
#include "controller/schema/field_set.h"

namespace midwatch::schema {

/// Who has an entry of its own in managedFields.
struct ManagerKey {
  bool applied = false;  ///< Operation Apply, otherwise Update.
  std::string manager;
  std::string subresource;
  std::string api_version;  ///< Of Update alone: an applier has one entry whatever version it uses.

  friend auto operator<=>(const ManagerKey&, const ManagerKey&) = default;
};

struct ManagedEntry {
  FieldSet fields;
  std::string api_version;
  std::string time;  ///< RFC 3339; may be empty.
};

/// The managedFields of one object, decoded.
class ManagedFields {
 public:
  using Entries = std::map<ManagerKey, ManagedEntry>;

  /// What cannot be read counts as no entries at all, as in Kubernetes.
  static ManagedFields FromJson(const Json& managed_fields);
  /// Sorted; entries without fields are left out. Null if there is none.
  Json ToJson() const;
  /// Apply entries first, each kind by time and name.
  static void Sort(Json& managed_fields);

  bool Empty() const { return entries_.empty(); }
  Entries& entries() { return entries_; }
  const Entries& entries() const { return entries_; }

  /// Merges the oldest Update entries into `ancient-changes` until there are at most `most`.
  void CapUpdates(std::size_t most);

 private:
  Entries entries_;
};

}  // namespace midwatch::schema
