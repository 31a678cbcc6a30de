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
    const auto kept = std::make_shared<const JournalRow>(std::move(row));
    log_.push_back(kept);
    if (kept->deleted) {
      latest_.erase(kept->key);
    } else {
      latest_.insert_or_assign(kept->key, kept);
    }
  }
}

JournalState VirtualDisk::Read() const {
  JournalState state;
  state.revision = revision_;
  state.compacted = compacted_;
  std::vector<Row> rows;
  for (const auto& [key, row] : latest_) {
    rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return a->revision < b->revision; });
  state.latest.reserve(rows.size());
  for (const Row& row : rows) {
    state.latest.push_back(*row);
  }
  state.log.reserve(log_.size());
  auto latest = rows.begin();  // Both by revision.
  for (const Row& row : log_) {
    while (latest != rows.end() && (*latest)->revision < row->revision) {
      ++latest;
    }
    state.log.push_back({row->revision, row->deleted, row->key, row->uid, {}, row->previous});
    if (latest == rows.end() || *latest != row) {
      state.log.back().bytes = row->bytes;
    }
  }
  return state;
}

void VirtualDisk::Compact(std::int64_t revision) {
  compacted_ = std::max(compacted_, revision);
  while (!log_.empty() && log_.front()->revision <= compacted_) {
    log_.pop_front();
  }
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
