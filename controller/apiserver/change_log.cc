#include "controller/apiserver/change_log.h"

#include "controller/base/check.h"

namespace midwatch::apiserver {

std::size_t ChangeLog::BytesKeptBy(const Change& change) {
  return (change.before != nullptr ? change.before->object().bytes().size() : 0) +
         (change.deleted ? change.after->object().bytes().size() : 0);
}

void ChangeLog::Append(Change change) {
  MIDWATCH_CHECK(change.after->revision() == Newest() + 1);
  bytes_ += BytesKeptBy(change);
  changes_.push_back(std::move(change));
}

void ChangeLog::Trim(MonoTime now) {
  while (!changes_.empty() && (changes_.size() > bounds_.changes || bytes_ > bounds_.bytes ||
                               changes_.front().at + bounds_.age <= now)) {
    bytes_ -= BytesKeptBy(changes_.front());
    changes_.pop_front();
    ++compacted_;
  }
}

std::optional<MonoTime> ChangeLog::NextTrim() const {
  return changes_.empty() ? std::nullopt : std::optional(changes_.front().at + bounds_.age);
}

std::optional<ChangeLog::Past> ChangeLog::PastOf(const ResourceInfo& resource,
                                                 std::int64_t revision) const {
  if (revision < compacted_) {
    return std::nullopt;
  }
  Past past;
  for (std::int64_t at = revision + 1; at <= Newest(); ++at) {
    const Change& change = At(at);
    if (&change.after->resource() != &resource) {
      continue;
    }
    const ObjectKey& key = change.after->key();
    const bool first = past.try_emplace({key.namespace_name, key.name}, change.before).second;
    if (first && !change.before_known) {
      return std::nullopt;
    }
  }
  return past;
}

}  // namespace midwatch::apiserver
