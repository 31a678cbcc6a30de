#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/object/object.h"
#include "controller/runtime/reconciler.h"
#include "controller/runtime/view.h"

namespace midwatch {

/// The number in a resourceVersion; 0 if it is none.
std::int64_t VersionNumber(std::string_view resource_version);

/// What is known of one resource: each object by name and under the values of each index, with the
/// version up to which nothing is missing.
///
/// States come from lists, watch events and answers to own writes, in any order between these: an
/// older state never replaces a newer one, and what was deleted does not come back through an older
/// state (a tombstone stands until FreshTo has passed it). Each real change is told to the
/// listener, once, after it was made. One thread at a time.
class Index {
 public:
  using Listener = std::function<void(const Change&)>;

  explicit Index(ResourceType type) : type_(std::move(type)) {}

  const ResourceType& type() const { return type_; }
  void SetListener(Listener listener) { listener_ = std::move(listener); }
  /// Before the first object. A name that is defined already is left alone.
  void Define(const IndexDefinition& definition);

  /// A state of an object.
  void Upsert(const Object& object, Now now);
  /// The object was deleted; `version` is that of the deletion or of its last state.
  void Delete(const Object& last, std::int64_t version);
  /// A consistent read did not find it; `seen` is the version that was known when the read began
  /// (0: none).
  void ConfirmAbsent(std::string_view namespace_name, std::string_view name, std::int64_t seen);
  /// All there was at `version`, which is not before fresh_to. What is known to be newer stays;
  /// what was missing although fresh_to was past it is found again.
  void Replace(const std::vector<Object>& listed, std::int64_t version, Now now);
  /// Nothing up to `version` is missing.
  void MarkFresh(std::int64_t version);
  /// Forgets every version, because the storage went back to an older state. The next Replace
  /// decides what exists.
  void ForgetVersions();

  Object Find(std::string_view namespace_name, std::string_view name) const;
  std::int64_t VersionOf(std::string_view namespace_name, std::string_view name) const;
  std::vector<Object> List(std::string_view namespace_name) const;
  std::vector<Object> ByValue(std::string_view index, std::string_view value) const;
  std::uint64_t ChangesOf(std::string_view index) const { return FindValues(index)->changes; }
  std::vector<Object> FirstByPrefix(std::string_view index, std::string_view prefix,
                                    std::size_t count) const;
  bool ConfirmedAbsent(std::string_view namespace_name, std::string_view name) const;
  std::optional<Now> ObservedAt(std::string_view namespace_name, std::string_view name) const;
  std::int64_t fresh_to() const { return fresh_to_; }
  std::size_t size() const { return objects_.size(); }

  /// Confirmed absences that are remembered; beyond it the oldest is forgotten, and read again if
  /// needed.
  static constexpr std::size_t kMaxConfirmedAbsent = 10'000;

 private:
  struct NameView {
    std::string_view namespace_name;
    std::string_view name;
    friend auto operator<=>(const NameView&, const NameView&) = default;
  };
  struct Name {
    std::string namespace_name;
    std::string name;
    NameView View() const { return {namespace_name, name}; }
  };
  struct ByName {
    using is_transparent = void;
    bool operator()(const Name& a, const Name& b) const { return a.View() < b.View(); }
    bool operator()(const Name& a, const NameView& b) const { return a.View() < b; }
    bool operator()(const NameView& a, const Name& b) const { return a < b.View(); }
  };
  struct Entry {
    Object object;
    std::int64_t version = 0;
    Now observed;
    std::vector<std::vector<std::string>> values;  // Per definition.
  };
  using Objects = std::map<Name, Entry, ByName>;
  struct Values {
    IndexDefinition definition;
    /// Both name and entry are those of `objects_`.
    std::map<std::string, std::map<NameView, const Entry*>, std::less<>> objects;
    std::uint64_t changes = 0;
  };

  void Admit(const Object& object, Now now);
  void Store(Objects::iterator at, const Object& object, std::int64_t version, Now now);
  void Erase(Objects::iterator at, std::int64_t tombstone);
  void PutUnderValues(const Name& name, Entry& entry);
  void TakeFromValues(Values& index, const Name& name, const std::vector<std::string>& values);
  void ForgetConfirmed(const NameView& name);
  const Values* FindValues(std::string_view index) const;
  void Tell(const Object& before, const Object& after) const;

  ResourceType type_;
  Listener listener_;
  Objects objects_;
  std::vector<Values> indexes_;
  std::map<Name, std::int64_t, ByName> tombstones_;
  std::map<Name, std::uint64_t, ByName> confirmed_;
  std::map<std::uint64_t, Name> confirmed_order_;
  std::uint64_t next_confirmation_ = 1;
  std::int64_t fresh_to_ = 0;
};

}  // namespace midwatch
