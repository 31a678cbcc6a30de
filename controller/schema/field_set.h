#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch::schema {

/// One step of a path in an object, as in fieldsV1.
struct PathElement {
  enum class Kind : std::uint8_t { kField, kIndex, kKey, kValue };  // As their letters sort.
  Kind kind = Kind::kField;
  std::string
      text;  ///< kField: the name. kKey: its JSON, sorted. kValue: JSON. kIndex: the number.

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
/// (sigs.k8s.io/structured-merge-diff/fieldpath.Set). A path is a member apart from what is below
/// it. Value semantics.
class FieldSet {
 public:
  using Path = std::vector<PathElement>;
  struct Child;

  FieldSet();
  FieldSet(const FieldSet&);
  FieldSet(FieldSet&&) noexcept;
  FieldSet& operator=(const FieldSet&);
  FieldSet& operator=(FieldSet&&) noexcept;
  ~FieldSet();
  static FieldSet Of(std::initializer_list<Path> paths);

  /// fieldsV1: `{"f:spec":{"f:color":{},".":{}}}`.
  static Result<FieldSet> FromJson(const Json& fields);
  Json ToJson() const;

  bool Empty() const;
  bool Has(const PathElement& element) const;
  /// What is below an element, or nullptr.
  const FieldSet* Below(const PathElement& element) const;

  /// From members and children in any order; those of one element are put together.
  static FieldSet From(std::vector<PathElement> members, std::vector<Child> children);

  void Insert(PathElement element);
  void Insert(const Path& path);
  /// Replaces what is below an element.
  void SetBelow(const PathElement& element, FieldSet below);
  /// Adds and takes away members.
  void Add(const FieldSet& other);
  void Subtract(const FieldSet& other);
  /// Takes away the members of `other` and all that is below them.
  void SubtractTrees(const FieldSet& other);

  FieldSet Intersection(const FieldSet& other) const;
  FieldSet Difference(const FieldSet& other) const;
  bool Contains(const FieldSet& other) const;

  /// All paths in order, as messages show them: `.spec.ports[name="http"].number`.
  std::vector<std::string> ToStrings() const;

  const std::vector<PathElement>& members() const { return members_; }  ///< Sorted.
  const std::vector<Child>& children() const { return children_; }      ///< Sorted, none empty.

  friend bool operator==(const FieldSet& a, const FieldSet& b);

 private:
  std::vector<PathElement> members_;
  std::vector<Child> children_;
};

struct FieldSet::Child {
  PathElement element;
  FieldSet set;

  friend bool operator==(const Child&, const Child&) = default;
};

}  // namespace midwatch::schema
