#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace midwatch::http {

/// Who may be connected. A new connection is admitted while there is room in total and for its
/// peer; otherwise the connection that has been idle longest (of that peer, if the peer is at its
/// own limit) makes room; with none idle the new one is refused. Idle is what serves nobody who is
/// known. So idle keep-alives and strangers shut nobody out, and no peer takes more than its share.
/// Thread-safe.
class ConnectionTable {
 public:
  using Id = std::uint64_t;

  ConnectionTable(std::size_t total, std::size_t per_peer) : total_(total), per_peer_(per_peer) {}

  struct Admission {
    Id id = 0;                ///< 0: refused.
    std::optional<Id> evict;  ///< To be closed by the caller; it still counts until Remove.
  };
  Admission Admit(const std::string& peer);
  /// The connections that have been idle longest, at most so many: to be closed by the caller.
  std::vector<Id> EvictIdle(std::size_t most);

  void MarkIdle(Id id);
  /// False: the connection has been chosen to make room and must not start anything.
  bool MarkBusy(Id id);
  void Remove(Id id);
  std::size_t Size() const;

 private:
  struct Entry {
    std::string peer;
    bool evicted = false;
    std::optional<std::list<Id>::iterator> idle;
  };
  std::optional<Id> OldestIdle(const std::string* peer) const;
  void MarkEvicted(Id id);

  mutable std::mutex mutex_;
  const std::size_t total_;
  const std::size_t per_peer_;
  Id last_ = 0;
  std::size_t evicting_ = 0;
  std::unordered_map<Id, Entry> entries_;
  std::unordered_map<std::string, std::size_t> by_peer_;  // Without the ones being evicted.
  std::list<Id> idle_;                                    // Idle longest first.
};

}  // namespace midwatch::http
