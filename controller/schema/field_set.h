#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch::schema {

/// One step of a path in an object, as in fieldsV1.
struct PathElement {
  enum class Kind : std::uint8_t { kField, kKey, kValue, kIndex };
  Kind kind = Kind::kField;
  std::string text;  ///< kField: the name. kKey: its JSON, sorted. kValue: JSON. kIndex: the number.

  /// `f:name`, `k:{"name":"http"}`, `v:"a"`, `i:0`.
  std::string ToString() const;
  static Result<PathElement> Parse(std::string_view text);
  static PathElement Field(std::string_view name) { return {Kind::kField, std::string(name)}; }
  /// An item of a list of type map, by its keys; of type set, by its value.
  static PathElement Key(const Json& keys) { return {Kind::kKey, keys.Dump()}; }
  static PathElement Value(const Json& value) { return {Kind::kValue, value.Dump()}; }
  /// As messages show it: `.name`, `[name="http"]`, `[="a"]`, `[0]`.
  std::string Shown() const;

  friend auto operator<=>(const PathElement&, const PathElement&) = default;
};

/// A set of paths, as managedFields record who owns what
/// (sigs.k8s.io/structured-merge-diff/fieldpath.Set). Value semantics.
class FieldSet {
 public:
  using Path = std::vector<PathElement>;

  FieldSet() = default;
  static FieldSet Of(std::initializer_list<Path> paths);

  /// fieldsV1: `{"f:spec":{"f:color":{},".":{}}}`.
  static Result<FieldSet> FromJson(const Json& fields);
  Json ToJson() const;

  bool Empty() const { return members_.empty() && children_.empty(); }
  bool Has(const PathElement& element) const { return members_.contains(element); }
  const FieldSet* Child(const PathElement& element) const;

  void Insert(const PathElement& element) { members_.insert(element); }
  void Insert(const Path& path);
  /// Replaces the subtree below an element; an empty one is dropped.
  void SetChild(const PathElement& element, FieldSet child);

  FieldSet Union(const FieldSet& other) const;
  FieldSet Intersection(const FieldSet& other) const;
  FieldSet Difference(const FieldSet& other) const;
  /// Without the members of `other` and all that is below them.
  FieldSet RecursiveDifference(const FieldSet& other) const;

  /// All paths in order, as messages show them: `.spec.ports[name="http"].number`.
  std::vector<std::string> ToStrings() const;

  const std::set<PathElement>& members() const { return members_; }
  const std::map<PathElement, FieldSet>& children() const { return children_; }

  friend bool operator==(const FieldSet&, const FieldSet&) = default;

 private:
  std::set<PathElement> members_;
  std::map<PathElement, FieldSet> children_;  // None of them empty.
};

}  // namespace midwatch::schema
