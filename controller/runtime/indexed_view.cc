#include "controller/runtime/indexed_view.h"

#include <algorithm>

#include "controller/base/check.h"

namespace midwatch {

Index& IndexedView::Add(const ResourceType& type) {
  return resources_.try_emplace(type.Resource(), type).first->second;
}

void IndexedView::Define(const IndexDefinition& definition) {
  Index& index = GetIndex(definition.resource);
  index.Define(definition);
  const auto [at, added] = indexes_.emplace(definition.name, &index);
  MIDWATCH_CHECK(added || at->second == &index);
}

Index* IndexedView::FindIndex(std::string_view resource) {
  const auto found = resources_.find(resource);
  return found == resources_.end() ? nullptr : &found->second;
}

Index& IndexedView::GetIndex(std::string_view resource) {
  Index* index = FindIndex(resource);
  MIDWATCH_CHECK(index != nullptr);
  return *index;
}

const Index& IndexedView::GetIndex(std::string_view resource) const {
  const auto found = resources_.find(resource);
  MIDWATCH_CHECK(found != resources_.end());
  return found->second;
}

Object IndexedView::Find(const ObjectKey& key) const {
  return GetIndex(key.resource).Find(key.namespace_name, key.name);
}

std::vector<Object> IndexedView::List(std::string_view resource,
                                      std::string_view namespace_name) const {
  return GetIndex(resource).List(namespace_name);
}

std::vector<Object> IndexedView::ByIndex(std::string_view index, std::string_view value) const {
  const auto found = indexes_.find(index);
  MIDWATCH_CHECK(found != indexes_.end());
  return found->second->ByValue(index, value);
}

std::uint64_t IndexedView::IndexChanges(std::string_view index) const {
  const auto found = indexes_.find(index);
  MIDWATCH_CHECK(found != indexes_.end());
  return found->second->ChangesOf(index);
}

std::vector<Object> IndexedView::FirstByPrefix(std::string_view index, std::string_view prefix,
                                               std::size_t count) const {
  const auto found = indexes_.find(index);
  MIDWATCH_CHECK(found != indexes_.end());
  return found->second->FirstByPrefix(index, prefix, count);
}

bool IndexedView::ConfirmedAbsent(const ObjectKey& key) const {
  return GetIndex(key.resource).ConfirmedAbsent(key.namespace_name, key.name);
}

std::optional<Now> IndexedView::ObservedAt(const ObjectKey& key) const {
  return GetIndex(key.resource).ObservedAt(key.namespace_name, key.name);
}

std::vector<Object> IndexedView::InFlight(std::string_view resource) const {
  return in_flight_ ? in_flight_(resource) : std::vector<Object>();
}

std::int64_t IndexedView::FreshTo(std::string_view resource) const {
  return GetIndex(resource).fresh_to();
}

void IndexedView::SetFailures(const ObjectKey& planned, std::vector<WriteFailure> failures) {
  if (failures.empty()) {
    failures_.erase(planned);
    return;
  }
  std::sort(failures.begin(), failures.end(),
            [](const WriteFailure& a, const WriteFailure& b) { return a.key < b.key; });
  failures_.insert_or_assign(planned, std::move(failures));
}

std::vector<WriteFailure> IndexedView::Failures(const ObjectKey& planned) const {
  const auto found = failures_.find(planned);
  return found == failures_.end() ? std::vector<WriteFailure>() : found->second;
}

}  // namespace midwatch
