#include "controller/sim/virtual_disk.h"

#include <algorithm>
#include <utility>

namespace midwatch::sim {

void VirtualDisk::Apply(std::vector<JournalRow> batch) {
  for (JournalRow& row : batch) {
    revision_ = row.revision;
    if (observer_) {
      observer_(row);
    }
    log_.push_back(row);
    if (row.deleted) {
      latest_.erase(row.key);
    } else {
      ObjectKey key = row.key;
      latest_.insert_or_assign(std::move(key), std::move(row));
    }
  }
}

JournalState VirtualDisk::Read() const {
  JournalState state;
  state.revision = revision_;
  state.compacted = compacted_;
  for (const auto& [key, row] : latest_) {
    state.latest.push_back(row);
  }
  std::sort(state.latest.begin(), state.latest.end(),
            [](const JournalRow& a, const JournalRow& b) { return a.revision < b.revision; });
  state.log.assign(log_.begin(), log_.end());
  return state;
}

void VirtualDisk::Compact(std::int64_t revision) {
  compacted_ = std::max(compacted_, revision);
  while (!log_.empty() && log_.front().revision <= compacted_) {
    log_.pop_front();
  }
}

const JournalRow* VirtualDisk::Find(const ObjectKey& key) const {
  const auto found = latest_.find(key);
  return found == latest_.end() ? nullptr : &found->second;
}

VirtualJournal::VirtualJournal(World world, fakes::SeededRandom random)
    : world_(world), random_(random), alive_(std::make_shared<bool>(true)) {}

VirtualJournal::~VirtualJournal() {
  *alive_ = false;
  // The head that was writing when the power went may have got to any border between batches.
  std::uint64_t survive = random_.Below(syncing_.size() + 1);
  for (Batch& batch : syncing_) {
    if (survive-- == 0 || batch.rows.front().revision != world_.disk.revision() + 1) {
      return;
    }
    world_.disk.Apply(std::move(batch.rows));
  }
}

void VirtualJournal::Commit(std::vector<JournalRow> batch, std::function<void(Result<void>)> done) {
  if (world_.acknowledge_early && !world_.weather.full) {
    done({});
    done = [](const Result<void>&) {};
  }
  queued_.push_back({std::move(batch), std::move(done)});
  if (syncing_.empty()) {
    StartSync();
  }
}

void VirtualJournal::StartSync() {
  syncing_ = std::exchange(queued_, {});
  constexpr std::uint64_t kShortest = 100;
  const auto longest = static_cast<std::uint64_t>(world_.weather.longest_sync.count());
  const auto takes = static_cast<std::int64_t>(kShortest + random_.Below(longest));
  world_.scheduler.After(Duration(takes), [this, alive = alive_] {
    if (*alive) {
      FinishSync();
    }
  });
}

void VirtualJournal::FinishSync() {
  std::deque<Batch> finished = std::exchange(syncing_, {});
  for (Batch& batch : finished) {
    const Result<void> result = Write(batch);
    batch.done(result);
  }
  if (!queued_.empty() && syncing_.empty()) {
    StartSync();
  }
}

Result<void> VirtualJournal::Write(Batch& batch) {
  if (world_.weather.full) {
    return Fail(ErrorCode::kInsufficientStorage, "no space left on device");
  }
  if (!batch.rows.empty() && batch.rows.front().revision != world_.disk.revision() + 1) {
    return Fail(ErrorCode::kUnavailable, "a batch before this one has failed");
  }
  const bool unknown = random_.Chance(world_.weather.unknown);
  if (!unknown || random_.Chance(500)) {
    world_.disk.Apply(std::move(batch.rows));
  }
  if (unknown) {
    return Fail(ErrorCode::kOutcomeUnknown, "input/output error");
  }
  return {};
}

}  // namespace midwatch::sim
