#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "controller/env/journal.h"
#include "controller/sim/scheduler.h"

namespace midwatch::sim {

/// What survives a crash: the durable rows of one journal.
class VirtualDisk {
 public:
  using Observer = std::function<void(const JournalRow&)>;

  /// Called for each row the moment it is durable.
  void SetObserver(Observer observer) { observer_ = std::move(observer); }

  void Apply(std::vector<JournalRow> batch);
  JournalState Read() const;
  void Compact(std::int64_t revision);
  std::int64_t revision() const { return revision_; }

 private:
  using Row = std::shared_ptr<const JournalRow>;  // In both.

  Observer observer_;
  std::int64_t revision_ = 0;
  std::int64_t compacted_ = 0;
  std::unordered_map<ObjectKey, Row, ObjectKeyHash> latest_;
  std::deque<Row> log_;
};

/// Faults of a disk while they last.
struct DiskWeather {
  bool full = false;          ///< f31: every commit fails, nothing is written.
  std::uint64_t unknown = 0;  ///< Per mille of syncs whose outcome nobody learns.
  Duration longest_sync = std::chrono::milliseconds(3);
};

/// A Journal on a VirtualDisk. Batches that queue up during a sync share the next. A crash loses
/// what was not acknowledged, or part of it, as the seed decides; never what was.
class VirtualJournal final : public Journal {
 public:
  struct World {
    Scheduler& scheduler;
    VirtualDisk& disk;
    const DiskWeather& weather;
    bool acknowledge_early = false;  ///< A planted bug: before it is durable.
  };

  VirtualJournal(World world, fakes::SeededRandom random);
  /// The crash.
  ~VirtualJournal() override;

  Result<JournalState> Load() override { return world_.disk.Read(); }
  void Commit(std::vector<JournalRow> batch, std::function<void(Result<void>)> done) override;
  void Compact(std::int64_t revision) override { world_.disk.Compact(revision); }

 private:
  struct Batch {
    std::vector<JournalRow> rows;
    std::function<void(Result<void>)> done;
  };

  void StartSync();
  void FinishSync();
  Result<void> Write(Batch& batch);

  World world_;
  fakes::SeededRandom random_;
  std::deque<Batch> queued_;
  std::deque<Batch> syncing_;
  std::shared_ptr<bool> alive_;  // With the timers that may fire after the crash.
};

}  // namespace midwatch::sim
