#include "controller/runtime/index.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "controller/base/check.h"

namespace midwatch {

std::int64_t VersionNumber(std::string_view resource_version) {
  std::int64_t number = 0;
  const char* end = resource_version.data() + resource_version.size();
  const auto [parsed, error] = std::from_chars(resource_version.data(), end, number);
  return error == std::errc() && parsed == end && number > 0 ? number : 0;
}

void Index::Define(const IndexDefinition& definition) {
  MIDWATCH_CHECK(objects_.empty());
  for (const Values& known : indexes_) {
    if (known.definition.name == definition.name) {
      return;
    }
  }
  indexes_.push_back({definition, {}, 0});
}

void Index::Upsert(const Object& object, Now now) {
  // Not known although nothing up to fresh_to_ is missing: it has been deleted since.
  if (VersionNumber(object.resource_version()) > fresh_to_ ||
      objects_.contains(NameView{object.namespace_name(), object.name()})) {
    Admit(object, now);
  }
}

void Index::Admit(const Object& object, Now now) {
  const std::int64_t version = VersionNumber(object.resource_version());
  const NameView name{object.namespace_name(), object.name()};
  const auto found = objects_.find(name);
  if (found != objects_.end()) {
    if (version > found->second.version) {
      Store(found, object, version, now);
    }
    return;
  }
  const auto tombstone = tombstones_.find(name);
  if (tombstone != tombstones_.end()) {
    if (version <= tombstone->second) {
      return;
    }
    tombstones_.erase(tombstone);
  }
  Store(objects_.end(), object, version, now);
}

void Index::Delete(const Object& last, std::int64_t version) {
  const NameView name{last.namespace_name(), last.name()};
  const auto found = objects_.find(name);
  if (found == objects_.end()) {
    if (version > fresh_to_) {
      std::int64_t& tombstone = tombstones_[{last.namespace_name(), last.name()}];
      tombstone = std::max(tombstone, version);
    }
    return;
  }
  // A deletion with the version of the last state is newer than that state.
  if (version >= found->second.version) {
    Erase(found, version);
  }
}

void Index::ConfirmAbsent(std::string_view namespace_name, std::string_view name,
                          std::int64_t seen) {
  const NameView wanted{namespace_name, name};
  const auto found = objects_.find(wanted);
  if (found != objects_.end()) {
    if (found->second.version != seen) {
      return;  // Seen since the read began: the answer is old.
    }
    Erase(found, seen);
  }
  ForgetConfirmed(wanted);
  if (confirmed_.size() == kMaxConfirmedAbsent) {
    const auto oldest = confirmed_order_.begin();
    confirmed_.erase(confirmed_.find(oldest->second));
    confirmed_order_.erase(oldest);
  }
  const Name key{std::string(namespace_name), std::string(name)};
  confirmed_order_.emplace(next_confirmation_, key);
  confirmed_.emplace(key, next_confirmation_++);
}

void Index::Replace(const std::vector<Object>& listed, std::int64_t version, Now now) {
  std::set<Name, ByName> there;
  for (const Object& object : listed) {
    there.insert({object.namespace_name(), object.name()});
  }
  for (auto at = objects_.begin(); at != objects_.end();) {
    const auto entry = at++;
    if (!there.contains(entry->first) && entry->second.version <= version) {
      Erase(entry, version);
    }
  }
  for (const Object& object : listed) {
    Admit(object, now);
  }
  MarkFresh(version);
}

void Index::MarkFresh(std::int64_t version) {
  if (version <= fresh_to_) {
    return;
  }
  fresh_to_ = version;
  std::erase_if(tombstones_, [&](const auto& entry) { return entry.second <= fresh_to_; });
}

void Index::ForgetVersions() {
  fresh_to_ = 0;
  tombstones_.clear();
  for (auto& [name, entry] : objects_) {
    entry.version = 0;
  }
}

Object Index::Find(std::string_view namespace_name, std::string_view name) const {
  const auto found = objects_.find(NameView{namespace_name, name});
  return found == objects_.end() ? Object() : found->second.object;
}

std::int64_t Index::VersionOf(std::string_view namespace_name, std::string_view name) const {
  const auto found = objects_.find(NameView{namespace_name, name});
  return found == objects_.end() ? 0 : found->second.version;
}

std::vector<Object> Index::List(std::string_view namespace_name) const {
  std::vector<Object> out;
  auto at = namespace_name.empty() ? objects_.begin()
                                   : objects_.lower_bound(NameView{namespace_name, {}});
  for (; at != objects_.end(); ++at) {
    if (!namespace_name.empty() && at->first.namespace_name != namespace_name) {
      break;
    }
    out.push_back(at->second.object);
  }
  return out;
}

std::vector<Object> Index::ByValue(std::string_view index, std::string_view value) const {
  std::vector<Object> out;
  const Values* values = FindValues(index);
  const auto found = values->objects.find(value);
  if (found != values->objects.end()) {
    out.reserve(found->second.size());
    for (const auto& [name, entry] : found->second) {
      out.push_back(entry->object);
    }
  }
  return out;
}

std::vector<Object> Index::FirstByPrefix(std::string_view index, std::string_view prefix,
                                         std::size_t count) const {
  std::vector<Object> out;
  const Values* values = FindValues(index);
  for (auto at = values->objects.lower_bound(prefix);
       at != values->objects.end() && at->first.starts_with(prefix); ++at) {
    for (const auto& [name, entry] : at->second) {
      if (out.size() == count) {
        return out;
      }
      out.push_back(entry->object);
    }
  }
  return out;
}

const Index::Values* Index::FindValues(std::string_view index) const {
  for (const Values& values : indexes_) {
    if (values.definition.name == index) {
      return &values;
    }
  }
  MIDWATCH_CHECK(false);
}

bool Index::ConfirmedAbsent(std::string_view namespace_name, std::string_view name) const {
  return confirmed_.contains(NameView{namespace_name, name});
}

std::optional<Now> Index::ObservedAt(std::string_view namespace_name, std::string_view name) const {
  const auto found = objects_.find(NameView{namespace_name, name});
  return found == objects_.end() ? std::nullopt : std::optional(found->second.observed);
}

void Index::Store(Objects::iterator at, const Object& object, std::int64_t version, Now now) {
  Object before;
  if (at == objects_.end()) {
    at = objects_.emplace(Name{object.namespace_name(), object.name()}, Entry{}).first;
    ForgetConfirmed(at->first.View());
  } else {
    before = at->second.object;
  }
  // Not news after ForgetVersions: the same state, seen again.
  const bool same = before && before.bytes() == object.bytes();
  at->second.object = object;
  at->second.version = version;
  if (!same) {
    at->second.observed = now;
  }
  PutUnderValues(at->first, at->second);
  if (!same) {
    Tell(before, object);
  }
}

void Index::Erase(Objects::iterator at, std::int64_t tombstone) {
  const Object before = at->second.object;
  for (std::size_t i = 0; i < indexes_.size(); ++i) {
    TakeFromValues(indexes_[i], at->first, at->second.values[i]);
  }
  if (tombstone > fresh_to_) {
    tombstones_[at->first] = tombstone;
  }
  objects_.erase(at);
  Tell(before, Object());
}

/// Most changes leave the values as they are: nothing moves then.
void Index::PutUnderValues(const Name& name, Entry& entry) {
  entry.values.resize(indexes_.size());
  for (std::size_t i = 0; i < indexes_.size(); ++i) {
    std::vector<std::string> values = indexes_[i].definition.values(entry.object);
    indexes_[i].changes += values.empty() ? 0 : 1;
    if (values == entry.values[i]) {
      continue;
    }
    TakeFromValues(indexes_[i], name, entry.values[i]);
    for (const std::string& value : values) {
      indexes_[i].objects[value].insert_or_assign(name.View(), &entry);
    }
    entry.values[i] = std::move(values);
  }
}

void Index::TakeFromValues(Values& index, const Name& name,
                           const std::vector<std::string>& values) {
  index.changes += values.empty() ? 0 : 1;
  for (const std::string& value : values) {
    const auto found = index.objects.find(value);
    if (found == index.objects.end()) {
      continue;  // The same value twice in one answer.
    }
    found->second.erase(name.View());
    if (found->second.empty()) {
      index.objects.erase(found);
    }
  }
}

void Index::ForgetConfirmed(const NameView& name) {
  const auto found = confirmed_.find(name);
  if (found != confirmed_.end()) {
    confirmed_order_.erase(found->second);
    confirmed_.erase(found);
  }
}

void Index::Tell(const Object& before, const Object& after) const {
  if (listener_) {
    listener_(Change{type_, before, after});
  }
}

}  // namespace midwatch
