#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.h"
#include "controller/object/object.h"

namespace midwatch {

/// Puts objects of one resource under values, so that those which a change affects are found
/// without looking at all: dispatches by the agent they wait for, namespaces by Stack.
struct IndexDefinition {
  std::string name;                                               ///< `dispatches-by-agent`
  std::string resource;                                           ///< `dispatches.midwatch.dev`
  std::function<std::vector<std::string>(const Object&)> values;  ///< Pure.
};

/// A write of a plan with `keep_going` that the API did not accept.
struct WriteFailure {
  ObjectKey key;  ///< What was to be written.
  Error error;

  friend bool operator==(const WriteFailure&, const WriteFailure&) = default;
};

/// What was observed: the informers' objects, by key and by index. Objects are immutable; a View is
/// read within one Step of its owner and shows one consistent moment per resource. Own writes are
/// in it as soon as they were answered.
class View {
 public:
  virtual ~View() = default;

  /// The object, or an empty Object if it is not known.
  virtual Object Find(const ObjectKey& key) const = 0;
  /// All of a resource, sorted by namespace and name; of one namespace if it is given.
  virtual std::vector<Object> List(std::string_view resource,
                                   std::string_view namespace_name = {}) const = 0;
  /// The objects that an index holds under a value, sorted by namespace and name.
  virtual std::vector<Object> ByIndex(std::string_view index, std::string_view value) const = 0;
  /// How often an index has changed: while it stays the same, so does what ByIndex gives.
  virtual std::uint64_t IndexChanges(std::string_view index) const = 0;
  /// At most `count` objects whose value in an index begins with `prefix`, in order of that value:
  /// the first few of a ranking, without looking at the rest.
  virtual std::vector<Object> FirstByPrefix(std::string_view index, std::string_view prefix,
                                            std::size_t count) const = 0;
  /// True if a consistent read has confirmed, since the key was last seen, that the object is
  /// absent.
  virtual bool ConfirmedAbsent(const ObjectKey& key) const = 0;
  /// When this process first saw the object's present version: what silence is counted from, and
  /// what a time that stands in it is compared with. An absent object has none.
  virtual std::optional<Now> ObservedAt(const ObjectKey& key) const = 0;
  /// The objects of a resource that plans now being carried out want to create or update, as they
  /// would then be: assumed, not observed. Bounded by the plans in flight.
  virtual std::vector<Object> InFlight(std::string_view resource) const = 0;
  /// The version up to which nothing of the resource is missing here (from list, event or
  /// bookmark).
  virtual std::int64_t FreshTo(std::string_view resource) const = 0;
  /// Which writes of the last plan of a key that had effects failed, sorted by key.
  virtual std::vector<WriteFailure> Failures(const ObjectKey& planned) const = 0;
};

}  // namespace midwatch
