#include "controller/sim/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/sim/virtual_disk.h"

namespace midwatch::sim {
namespace {

using testing::ElementsAre;

/// Writes its name whenever it steps, as often as it was told to.
class Scribe final : public Actor {
 public:
  Scribe(char name, int steps, std::string& out) : name_(name), steps_(steps), out_(out) {}
  bool Step(Now) override {
    if (steps_ == 0) {
      return false;
    }
    --steps_;
    out_ += name_;
    return true;
  }
  std::optional<MonoTime> NextWake() const override { return wake; }
  std::optional<MonoTime> wake;

 private:
  char name_;
  int steps_;
  std::string& out_;
};

std::string Order(std::uint64_t seed) {
  Trace trace;
  Scheduler scheduler(fakes::SeededRandom(seed), trace);
  const SimClock clock(scheduler.now(), 0, 1);
  std::string out;
  Scribe a('a', 8, out);
  Scribe b('b', 8, out);
  Scheduler::Seat seat_a(scheduler, "a", clock);
  Scheduler::Seat seat_b(scheduler, "b", clock);
  seat_a.Put(a);
  seat_b.Put(b);
  while (scheduler.RunOne(1'000'000)) {
  }
  return out;
}

TEST(SchedulerTest, TheSeedDecidesWhoSteps) {
  EXPECT_EQ(Order(1), Order(1));
  EXPECT_NE(Order(1), Order(2));
  EXPECT_EQ(Order(1).size(), 16U);
}

TEST(SchedulerTest, TimePassesToWhatIsDue) {
  Trace trace;
  Scheduler scheduler(fakes::SeededRandom(1), trace);
  std::vector<SimTime> at;
  scheduler.At(500, [&] { at.push_back(scheduler.now()); });
  scheduler.At(200, [&] { at.push_back(scheduler.now()); });
  scheduler.At(2'000, [&] { at.push_back(scheduler.now()); });
  while (scheduler.RunOne(1'000)) {
  }
  EXPECT_THAT(at, ElementsAre(200, 500));
  EXPECT_EQ(scheduler.now(), 1'000);
}

TEST(SchedulerTest, ActorsWakeByTheClockOfTheirMachine) {
  Trace trace;
  Scheduler scheduler(fakes::SeededRandom(1), trace);
  const SimClock fast(scheduler.now(), 45'000, 1'000'000);
  std::string out;
  Scribe a('a', 0, out);
  a.wake = MonoTime{1'000'000 + 1'045'000};  // A second of the world.
  Scheduler::Seat seat(scheduler, "a", fast);
  seat.Put(a);
  scheduler.RunOne(10);
  EXPECT_EQ(fast.WhenMono(*a.wake), 1'000'000);
  EXPECT_GE(fast.Read().mono, MonoTime{1'000'000});
}

TEST(SchedulerTest, FrozenActorsDoNotStepAndGoneOnesAreForgotten) {
  Trace trace;
  Scheduler scheduler(fakes::SeededRandom(1), trace);
  const SimClock clock(scheduler.now(), 0, 1);
  std::string out;
  Scribe a('a', 2, out);
  {
    Scheduler::Seat seat(scheduler, "a", clock);
    seat.Put(a);
    seat.Freeze(true);
    seat.Wake();
    EXPECT_FALSE(scheduler.RunOne(100));
    seat.Freeze(false);
    EXPECT_TRUE(scheduler.RunOne(200));
  }
  EXPECT_FALSE(scheduler.RunOne(300));
  EXPECT_EQ(out, "a");
}

class VirtualJournalTest : public testing::Test {
 protected:
  static std::vector<JournalRow> Batch(std::int64_t revision) {
    JournalRow row;
    row.revision = revision;
    row.key = {"things", "", "t" + std::to_string(revision)};
    return {row};
  }
  std::unique_ptr<VirtualJournal> Open(bool early = false) {
    return std::make_unique<VirtualJournal>(
        VirtualJournal::World{scheduler_, disk_, weather_, early}, fakes::SeededRandom(7));
  }
  void Run() {
    while (scheduler_.RunOne(scheduler_.now() + 1'000'000)) {
    }
  }

  Trace trace_;
  Scheduler scheduler_{fakes::SeededRandom(1), trace_};
  VirtualDisk disk_;
  DiskWeather weather_;
};

TEST_F(VirtualJournalTest, WhatWasAcknowledgedSurvivesACrash) {
  auto journal = Open();
  std::vector<std::int64_t> acknowledged;
  for (std::int64_t revision = 1; revision <= 5; ++revision) {
    journal->Commit(Batch(revision), [&acknowledged, revision](const Result<void>& done) {
      if (done) {
        acknowledged.push_back(revision);
      }
    });
  }
  EXPECT_THAT(acknowledged, testing::IsEmpty()) << "nothing before a sync has ended";
  Run();
  journal->Commit(Batch(6), [](const Result<void>&) { FAIL(); });
  journal.reset();
  Run();
  EXPECT_THAT(acknowledged, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_GE(disk_.Read().revision, 5);
}

TEST_F(VirtualJournalTest, AFullDiskWritesNothingOfABatchNorOfWhatFollowsIt) {
  auto journal = Open();
  std::vector<ErrorCode> errors;
  const auto note = [&](const Result<void>& done) {
    if (!done) {
      errors.push_back(done.error().code);
    }
  };
  weather_.full = true;
  journal->Commit(Batch(1), note);
  Run();
  weather_.full = false;
  journal->Commit(Batch(2), note);
  Run();
  EXPECT_THAT(errors, ElementsAre(ErrorCode::kInsufficientStorage, ErrorCode::kUnavailable));
  EXPECT_EQ(disk_.revision(), 0);
}

}  // namespace
}  // namespace midwatch::sim
