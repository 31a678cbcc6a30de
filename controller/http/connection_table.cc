#include "controller/http/connection_table.h"

namespace midwatch::http {

std::optional<ConnectionTable::Id> ConnectionTable::OldestIdle(const std::string* peer) const {
  for (const Id id : idle_) {
    if (peer == nullptr || entries_.at(id).peer == *peer) {
      return id;
    }
  }
  return std::nullopt;
}

void ConnectionTable::MarkEvicted(Id id) {
  Entry& entry = entries_.at(id);
  entry.evicted = true;
  idle_.erase(*entry.idle);
  entry.idle.reset();
  if (const auto count = by_peer_.find(entry.peer); --count->second == 0) {
    by_peer_.erase(count);
  }
  ++evicting_;
}

std::vector<ConnectionTable::Id> ConnectionTable::EvictIdle(std::size_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<Id> evicted;
  while (evicted.size() < most && !idle_.empty()) {
    evicted.push_back(idle_.front());
    MarkEvicted(evicted.back());
  }
  return evicted;
}

ConnectionTable::Admission ConnectionTable::Admit(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  const auto found = by_peer_.find(peer);
  const bool peer_full = found != by_peer_.end() && found->second >= per_peer_;
  const bool full = entries_.size() - evicting_ >= total_;
  Admission admission;
  if (peer_full || full) {
    admission.evict = OldestIdle(peer_full ? &peer : nullptr);
    if (!admission.evict) {
      return admission;
    }
    MarkEvicted(*admission.evict);
  }
  admission.id = ++last_;
  entries_.emplace(admission.id, Entry{peer, false, std::nullopt});
  ++by_peer_[peer];
  return admission;
}

void ConnectionTable::MarkIdle(Id id) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(id);
  if (entry == entries_.end() || entry->second.evicted || entry->second.idle) {
    return;
  }
  entry->second.idle = idle_.insert(idle_.end(), id);
}

bool ConnectionTable::MarkBusy(Id id) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(id);
  if (entry == entries_.end() || entry->second.evicted) {
    return false;
  }
  if (entry->second.idle) {
    idle_.erase(*entry->second.idle);
    entry->second.idle.reset();
  }
  return true;
}

void ConnectionTable::Remove(Id id) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) {
    return;
  }
  if (entry->second.idle) {
    idle_.erase(*entry->second.idle);
  }
  if (entry->second.evicted) {
    --evicting_;
  } else if (const auto count = by_peer_.find(entry->second.peer); --count->second == 0) {
    by_peer_.erase(count);
  }
  entries_.erase(entry);
}

std::size_t ConnectionTable::Size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace midwatch::http
