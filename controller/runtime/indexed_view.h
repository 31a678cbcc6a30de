#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/runtime/index.h"
#include "controller/runtime/view.h"

namespace midwatch {

/// The View of one Worker: an Index per resource. A resource or index that was not added is a
/// programmer's error, not an empty answer. One thread at a time.
class IndexedView final : public View {
 public:
  /// Where InFlight asks: the plans being carried out. Not set: there are none.
  using InFlightSource = std::function<std::vector<Object>(std::string_view resource)>;

  /// The Index of the type, made at the first call. Pointers stay valid.
  Index& Add(const ResourceType& type);
  /// Its resource must have been added.
  void Define(const IndexDefinition& definition);
  /// Replaces those of the key.
  void SetFailures(const ObjectKey& planned, std::vector<WriteFailure> failures);
  void SetInFlight(InFlightSource source) { in_flight_ = std::move(source); }

  Index* FindIndex(std::string_view resource);
  Index& GetIndex(std::string_view resource);
  const Index& GetIndex(std::string_view resource) const;

  Object Find(const ObjectKey& key) const override;
  std::vector<Object> List(std::string_view resource,
                           std::string_view namespace_name = {}) const override;
  std::vector<Object> ByIndex(std::string_view index, std::string_view value) const override;
  std::uint64_t IndexChanges(std::string_view index) const override;
  std::vector<Object> FirstByPrefix(std::string_view index, std::string_view prefix,
                                    std::size_t count) const override;
  bool ConfirmedAbsent(const ObjectKey& key) const override;
  std::optional<Now> ObservedAt(const ObjectKey& key) const override;
  std::vector<Object> InFlight(std::string_view resource) const override;
  std::int64_t FreshTo(std::string_view resource) const override;
  std::vector<WriteFailure> Failures(const ObjectKey& planned) const override;

 private:
  std::map<std::string, Index, std::less<>> resources_;
  std::map<std::string, const Index*, std::less<>> indexes_;  // By name of the definition.
  std::map<ObjectKey, std::vector<WriteFailure>> failures_;   // Only keys that have some.
  InFlightSource in_flight_;
};

}  // namespace midwatch
