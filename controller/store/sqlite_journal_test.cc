#include "controller/store/sqlite_journal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <map>
#include <thread>

#include "controller/store/power_cut_test_disk.h"

namespace midwatch::store {
namespace {

class SqliteJournalTest : public testing::Test {
 protected:
  SqliteJournalTest() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::temp_directory_path() /
                 ("midwatch-journal-" + std::to_string(getpid()) + "-" + test->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  ~SqliteJournalTest() override { std::filesystem::remove_all(directory_); }

  std::string Path() const { return (directory_ / "midwatch.db").string(); }
  std::unique_ptr<SqliteJournal> Open(SqliteOptions options = {.path = {}}) {
    options.path = Path();
    auto journal = SqliteJournal::Open(std::move(options));
    EXPECT_TRUE(journal) << journal.error().message;
    return journal ? *std::move(journal) : nullptr;
  }

  std::filesystem::path directory_;
};

ObjectKey KeyOf(std::string name) {
  return {"widgets.demo.example.io", "default", std::move(name)};
}

JournalRow Row(std::int64_t revision, std::string name, std::string bytes = "{}",
               std::int64_t previous = 0, bool deleted = false) {
  return {.revision = revision,
          .deleted = deleted,
          .key = KeyOf(std::move(name)),
          .uid = "u",
          .bytes = std::move(bytes),
          .previous = previous};
}

std::future<Result<void>> Send(Journal& journal, std::vector<JournalRow> batch) {
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto future = promise->get_future();
  journal.Commit(std::move(batch),
                 [promise](Result<void> result) { promise->set_value(std::move(result)); });
  return future;
}

Result<void> Put(Journal& journal, std::vector<JournalRow> batch) {
  return Send(journal, std::move(batch)).get();
}

std::vector<std::int64_t> Revisions(const std::vector<JournalRow>& rows) {
  std::vector<std::int64_t> out;
  for (const JournalRow& row : rows) {
    out.push_back(row.revision);
  }
  return out;
}

using Numbers = std::vector<std::int64_t>;

std::int64_t Compacted(const std::string& path) {
  auto reader = Database::Open(path, {});
  return *reader->Number("SELECT compacted FROM compaction");
}

/// False: it did not come to be within the bound.
bool WaitUntilCompacted(const std::string& path, std::int64_t revision) {
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries && Compacted(path) < revision; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return Compacted(path) == revision;
}

TEST_F(SqliteJournalTest, KeepsWhatWasCommitted) {
  {
    auto journal = Open();
    const auto empty = journal->Load();
    ASSERT_TRUE(empty) << empty.error().message;
    EXPECT_EQ(empty->revision, 0);
    EXPECT_TRUE(Put(*journal, {Row(1, "a", "one"), Row(2, "b")}));
    EXPECT_TRUE(Put(*journal, {Row(3, "a", "two", 1)}));
    EXPECT_TRUE(Put(*journal, {Row(4, "b", "gone", 2, true)}));
  }
  const auto state = Open()->Load();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->revision, 4);
  EXPECT_EQ(state->compacted, 0);
  EXPECT_EQ(Revisions(state->latest), Numbers{3});
  EXPECT_EQ(Revisions(state->log), (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(state->latest[0].bytes, "two");
  EXPECT_EQ(state->latest[0].key, KeyOf("a"));
  EXPECT_EQ(state->latest[0].uid, "u");
  EXPECT_EQ(state->log[0].bytes, "one");
  EXPECT_EQ(state->log[2].previous, 1);
  EXPECT_TRUE(state->log[3].deleted);
}

TEST_F(SqliteJournalTest, ForgetsWhatIsCompacted) {
  {
    auto journal = Open();
    ASSERT_TRUE(journal->Load());
    EXPECT_TRUE(Put(*journal, {Row(1, "a"), Row(2, "b"), Row(3, "a", "{}", 1), Row(4, "c")}));
    EXPECT_TRUE(Put(*journal, {Row(5, "c", "{}", 4, true), Row(6, "a", "{}", 3)}));
    journal->Compact(5);
    ASSERT_TRUE(WaitUntilCompacted(Path(), 5));
  }
  const auto state = Open()->Load();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->compacted, 5);
  EXPECT_EQ(state->revision, 6);
  EXPECT_EQ(Revisions(state->latest), (Numbers{2, 6}));
  EXPECT_EQ(Revisions(state->log), Numbers{6});
  EXPECT_EQ(Revisions(state->superseded), Numbers{3}) << "what 6 took the place of";
}

TEST_F(SqliteJournalTest, AFewRevisionsAreNotWorthATransaction) {
  auto journal = Open({.path = {}, .compact_pause = std::chrono::hours(1)});
  ASSERT_TRUE(journal->Load());
  ASSERT_TRUE(Put(*journal, {Row(1, "a"), Row(2, "a", "{}", 1)}));
  journal->Compact(1);
  ASSERT_TRUE(WaitUntilCompacted(Path(), 1)) << "the first does not wait";
  journal->Compact(2);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(Compacted(Path()), 1);

  std::vector<JournalRow> many;
  for (std::int64_t revision = 3; revision <= 600; ++revision) {
    many.push_back(Row(revision, "a", "{}", revision - 1));
  }
  ASSERT_TRUE(Put(*journal, std::move(many)));
  journal->Compact(513);
  EXPECT_TRUE(WaitUntilCompacted(Path(), 513)) << "many are";
}

TEST_F(SqliteJournalTest, ACompactionThatFellBehindWaitsForNoPause) {
  auto journal =
      Open({.path = {}, .compact_quiet = std::chrono::hours(1), .max_compact_lag = 1000});
  ASSERT_TRUE(journal->Load());
  std::vector<JournalRow> many;
  for (std::int64_t revision = 1; revision <= 1500; ++revision) {
    many.push_back(Row(revision, "a", "{}", revision - 1));
  }
  ASSERT_TRUE(Put(*journal, std::move(many)));
  journal->Compact(1000);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(Compacted(Path()), 0);
  journal->Compact(1500);
  EXPECT_TRUE(WaitUntilCompacted(Path(), 512)) << "a slice, then it is within the bound";
}

TEST_F(SqliteJournalTest, ManyBytesAreNotKeptForWantOfAPause) {
  auto journal = Open({.path = {},
                       .compact_quiet = std::chrono::hours(1),
                       .max_compact_bytes = std::size_t{1} << 20});
  ASSERT_TRUE(journal->Load());
  const std::string large(400'000, 'x');
  for (std::int64_t revision = 1; revision <= 3; ++revision) {
    ASSERT_TRUE(Put(*journal, {Row(revision, "a", large, revision - 1)}));
    journal->Compact(revision);
    EXPECT_LT(Compacted(Path()), 3);
  }
  EXPECT_TRUE(WaitUntilCompacted(Path(), 3));
}

TEST_F(SqliteJournalTest, RefusesASecondServer) {
  auto first = Open();
  const auto second = SqliteJournal::Open({.path = Path()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().message.find("in use by another server"), std::string::npos);
  first.reset();
  EXPECT_TRUE(SqliteJournal::Open({.path = Path()}));
}

TEST_F(SqliteJournalTest, RefusesOtherFiles) {
  {
    auto other = Database::Open(Path(), {});
    ASSERT_TRUE(other->Execute("CREATE TABLE t (a)"));
  }
  const auto foreign = SqliteJournal::Open({.path = Path()});
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message.find("not a database of Midwatch"), std::string::npos);
}

TEST_F(SqliteJournalTest, RefusesAnotherFormat) {
  Open();
  {
    auto database = Database::Open(Path(), {});
    ASSERT_TRUE(database->Execute("PRAGMA user_version=2"));
  }
  const auto newer = SqliteJournal::Open({.path = Path()});
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().message.find("format is version 2"), std::string::npos);
}

TEST_F(SqliteJournalTest, RefusesWhatDoesNotContinue) {
  auto journal = Open();
  ASSERT_TRUE(journal->Load());
  EXPECT_TRUE(Put(*journal, {Row(1, "a")}));
  auto gap = Put(*journal, {Row(3, "b")});
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(Put(*journal, {Row(2, "b")}));
}

TEST_F(SqliteJournalTest, NoticesALostRow) {
  for (const std::string_view lost : {"1", "2"}) {
    std::filesystem::remove(Path());
    {
      auto journal = Open();
      ASSERT_TRUE(journal->Load());
      ASSERT_TRUE(Put(*journal, {Row(1, "a"), Row(2, "b"), Row(3, "c")}));
      journal->Compact(1);
      ASSERT_TRUE(WaitUntilCompacted(Path(), 1));
    }
    {
      auto database = Database::Open(Path(), {});
      ASSERT_TRUE(database->Execute("DELETE FROM changes WHERE revision=" + std::string(lost)));
    }
    const auto state = Open()->Load();
    ASSERT_FALSE(state) << lost;
    EXPECT_NE(state.error().message.find("the database is damaged"), std::string::npos);
  }
}

TEST_F(SqliteJournalTest, NoticesAFlippedByte) {
  PowerCutDisk disk("flipping", 1);
  const SqliteOptions options{.path = Path(), .vfs = disk.name()};
  {
    auto journal = *SqliteJournal::Open(options);
    ASSERT_TRUE(journal->Load());
    for (std::int64_t revision = 1; revision <= 20; ++revision) {
      ASSERT_TRUE(Put(
          *journal, {Row(revision, "object-" + std::to_string(revision), std::string(700, 'x'))}));
    }
  }
  const std::string good = disk.Content("midwatch.db");
  ASSERT_GT(good.size(), 16'000U);
  int noticed = 0;
  for (std::int64_t at = 0; at < static_cast<std::int64_t>(good.size()); at += 61) {
    disk.Replace("midwatch.db", good);
    disk.Flip("midwatch.db", at);
    auto journal = SqliteJournal::Open(options);
    const auto state = journal ? (*journal)->Load() : Fail(journal.error());
    if (!state) {
      ++noticed;
      continue;
    }
    ASSERT_EQ(state->latest.size(), 20U) << "byte " << at;
    for (const JournalRow& row : state->latest) {
      ASSERT_EQ(row.bytes, std::string(700, 'x')) << "byte " << at;
    }
  }
  EXPECT_GT(noticed, static_cast<int>(good.size() / 61 / 2));
}

TEST_F(SqliteJournalTest, AFullDiskWritesNothingAndIsGotOver) {
  PowerCutDisk disk("full", 1);
  auto journal = *SqliteJournal::Open({.path = Path(), .vfs = disk.name()});
  ASSERT_TRUE(journal->Load());
  ASSERT_TRUE(Put(*journal, {Row(1, "a")}));
  disk.SetCapacity(0);
  const std::string big(100'000, 'b');
  auto full = Send(*journal, {Row(2, "b", big), Row(3, "c", big)});
  auto after = Send(*journal, {Row(4, "d")});
  const auto first = full.get();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, ErrorCode::kInsufficientStorage);
  EXPECT_FALSE(after.get()) << "it was built upon what failed";
  disk.SetCapacity(std::int64_t{1} << 30);
  EXPECT_TRUE(Put(*journal, {Row(2, "e")}));
  journal.reset();
  const auto state = (*SqliteJournal::Open({.path = Path(), .vfs = disk.name()}))->Load();
  ASSERT_TRUE(state);
  ASSERT_EQ(state->revision, 2);
  EXPECT_EQ(state->latest[1].key.name, "e");
}

TEST_F(SqliteJournalTest, AFailedSyncIsTheEnd) {
  PowerCutDisk disk("failing", 1);
  auto journal = *SqliteJournal::Open({.path = Path(), .vfs = disk.name()});
  ASSERT_TRUE(journal->Load());
  ASSERT_TRUE(Put(*journal, {Row(1, "a")}));
  disk.FailNextSync();
  for (int i = 0; i < 2; ++i) {
    const auto unknown = Put(*journal, {Row(2, "b")});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, ErrorCode::kOutcomeUnknown);
  }
}

TEST_F(SqliteJournalTest, WhatAKilledProcessDidNotSyncIsDurableOnceItIsSeen) {
  int seen = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    PowerCutDisk disk("killed-" + std::to_string(seed), seed);
    const SqliteOptions options{.path = Path(), .vfs = disk.name()};
    {
      auto journal = *SqliteJournal::Open(options);
      ASSERT_TRUE(journal->Load());
      ASSERT_TRUE(Put(*journal, {Row(1, "a")}));
      disk.CutAfter(static_cast<int>(seed % 3) + 1);  // Here: the process is killed.
      EXPECT_FALSE(Put(*journal, {Row(2, "b")}));
    }
    disk.Restart();
    std::int64_t revision = 0;
    {
      auto journal = *SqliteJournal::Open(options);
      revision = journal->Load()->revision;
      disk.CutAfter(1);  // The power goes before anything else is written.
      EXPECT_FALSE(Put(*journal, {Row(revision + 1, "c")}));
    }
    disk.PowerOn();
    const auto after = (*SqliteJournal::Open(options))->Load();
    ASSERT_TRUE(after);
    EXPECT_GE(after->revision, revision) << "seed " << seed;
    seen += revision == 2 ? 1 : 0;
  }
  EXPECT_GT(seen, 0) << "a kill that comes before the write proves nothing";
}

TEST_F(SqliteJournalTest, TheWalHasABound) {
  constexpr std::int64_t kBound = 256 << 10;
  auto journal = Open({.path = {}, .checkpoint_bytes = 64 << 10, .max_wal_bytes = kBound});
  ASSERT_TRUE(journal->Load());
  std::vector<std::future<Result<void>>> sent;
  for (std::int64_t revision = 1; revision <= 3000; ++revision) {
    sent.push_back(Send(*journal, {Row(revision, "a", std::string(1000, 'x'), revision - 1)}));
    if (sent.size() == 32) {
      for (auto& one : sent) {
        ASSERT_TRUE(one.get());
      }
      sent.clear();
    }
  }
  EXPECT_LE(journal->MostWalBytes(), kBound + (512 << 10)) << "one group more than the bound";
}

TEST_F(SqliteJournalTest, AReaderThatHoldsTheWalDoesNotMakeItGrow) {
  constexpr std::int64_t kBound = 256 << 10;
  auto journal = Open({.path = {},
                       .checkpoint_bytes = 64 << 10,
                       .max_wal_bytes = kBound,
                       .max_wait = std::chrono::milliseconds(100)});
  ASSERT_TRUE(journal->Load());
  ASSERT_TRUE(Put(*journal, {Row(1, "a")}));
  auto reader = Database::Open(Path(), {});
  ASSERT_TRUE(reader->Execute("BEGIN"));
  ASSERT_TRUE(reader->Number("SELECT count(*) FROM changes"));
  Result<void> put;
  std::int64_t last = 1;
  while (put && last < 1000) {
    put = Put(*journal, {Row(last + 1, "a", std::string(10'000, 'x'), last)});
    last += put ? 1 : 0;
  }
  ASSERT_FALSE(put) << journal->MostWalBytes();
  EXPECT_EQ(put.error().code, ErrorCode::kInsufficientStorage);
  EXPECT_LE(journal->MostWalBytes(), kBound + (64 << 10)) << "one commit more than the bound";
  ASSERT_TRUE(reader->Execute("COMMIT"));
  EXPECT_TRUE(Put(*journal, {Row(last + 1, "a", "{}", last)})) << "it is got over";
}

TEST_F(SqliteJournalTest, AWriterWaitsForAReaderThatHoldsTheFullWal) {
  constexpr std::int64_t kBound = 256 << 10;
  auto journal = Open({.path = {},
                       .checkpoint_bytes = 64 << 10,
                       .max_wal_bytes = kBound,
                       .max_wait = std::chrono::minutes(5)});
  ASSERT_TRUE(journal->Load());
  ASSERT_TRUE(Put(*journal, {Row(1, "a")}));
  auto reader = Database::Open(Path(), {});
  ASSERT_TRUE(reader->Execute("BEGIN"));
  ASSERT_TRUE(reader->Number("SELECT count(*) FROM changes"));
  std::int64_t last = 1;
  while (journal->MostWalBytes() < kBound) {
    ASSERT_TRUE(Put(*journal, {Row(last + 1, "a", std::string(10'000, 'x'), last)}));
    ++last;
  }
  auto waiting = Send(*journal, {Row(last + 1, "a", "{}", last)});
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
  ASSERT_TRUE(reader->Execute("COMMIT"));
  EXPECT_TRUE(waiting.get());
}

/// Batches that were sent in order, and what the disk must have after so many of them.
class Model {
 public:
  void Send(const std::vector<JournalRow>& batch) { batches_.push_back(batch); }
  std::size_t sent() const { return batches_.size(); }

  /// Fails unless the state is that after a whole number of batches, `at_least` of them; forgets
  /// the rest.
  void Check(const JournalState& state, std::size_t at_least) {
    std::map<ObjectKey, JournalRow> latest;
    std::size_t count = 0;
    std::int64_t revision = 0;
    while (count < batches_.size() && revision < state.revision) {
      for (const JournalRow& row : batches_[count]) {
        revision = row.revision;
        if (row.deleted) {
          latest.erase(row.key);
        } else {
          latest[row.key] = row;
        }
      }
      ++count;
    }
    ASSERT_EQ(revision, state.revision) << "a part of a batch";
    ASSERT_GE(count, at_least) << "an acknowledged batch was lost";
    ASSERT_EQ(latest.size(), state.latest.size());
    for (const JournalRow& row : state.latest) {
      ASSERT_EQ(latest[row.key].bytes, row.bytes);
      ASSERT_EQ(latest[row.key].revision, row.revision);
    }
    batches_.resize(count);
  }

 private:
  std::vector<std::vector<JournalRow>> batches_;
};

/// Writes at random until the power goes or it has had enough; tells how many batches were
/// acknowledged.
std::size_t WriteUntilCut(Journal& journal, const JournalState& start, Model& model,
                          fakes::SeededRandom& random, std::size_t acknowledged) {
  std::map<ObjectKey, std::int64_t> newest;
  for (const JournalRow& row : start.latest) {
    newest[row.key] = row.revision;
  }
  std::int64_t revision = start.revision;
  bool failed = false;
  for (int round = 0; round < 40 && !failed; ++round) {
    std::vector<std::future<Result<void>>> answers;
    for (std::uint64_t batches = random.Below(4) + 1; batches > 0; --batches) {
      std::vector<JournalRow> batch;
      for (std::uint64_t rows = random.Below(4) + 1; rows > 0; --rows) {
        const std::string name = "object-" + std::to_string(random.Below(20));
        std::int64_t& previous = newest[KeyOf(name)];
        const bool deleted = previous != 0 && random.Chance(300);
        batch.push_back(
            Row(++revision, name, std::string(random.Below(3000), 'x'), previous, deleted));
        previous = deleted ? 0 : revision;
      }
      model.Send(batch);
      answers.push_back(Send(journal, std::move(batch)));
    }
    if (random.Chance(200)) {
      journal.Compact(revision - static_cast<std::int64_t>(random.Below(30)));
    }
    for (auto& answer : answers) {
      const bool done = answer.get().has_value();
      EXPECT_FALSE(done && failed) << "acknowledged after a failure";
      failed = failed || !done;
      acknowledged += done ? 1 : 0;
    }
  }
  return acknowledged;
}

TEST_F(SqliteJournalTest, SurvivesPowerCuts) {
  int cuts = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PowerCutDisk disk("power-" + std::to_string(seed), seed);
    fakes::SeededRandom random(seed + 1000);
    const SqliteOptions options{.path = Path(),
                                .vfs = disk.name(),
                                .checkpoint_bytes = 16 << 10,
                                .max_wal_bytes = 64 << 10,
                                .compact_quiet = {},
                                .compact_pause = {}};
    Model model;
    std::size_t acknowledged = 0;
    for (int life = 0; life < 6; ++life) {
      disk.CutAfter(static_cast<int>(random.Below(life == 0 ? 300 : 120)) + 1);
      {
        auto journal = SqliteJournal::Open(options);
        const auto state = journal ? (*journal)->Load() : Fail(journal.error());
        if (state) {
          model.Check(*state, acknowledged);
          ASSERT_FALSE(HasFatalFailure());
          acknowledged = WriteUntilCut(**journal, *state, model, random, model.sent());
        } else {
          ASSERT_TRUE(disk.IsCut()) << state.error().message;
        }
      }
      cuts += disk.IsCut() ? 1 : 0;
      disk.PowerOn();
    }
    const auto state = (*SqliteJournal::Open(options))->Load();
    ASSERT_TRUE(state) << state.error().message;
    model.Check(*state, acknowledged);
  }
  EXPECT_GT(cuts, 200) << "a disk that never fails proves nothing";
}

TEST_F(SqliteJournalTest, LoadsTenThousandObjects) {
  {
    auto journal = Open();
    ASSERT_TRUE(journal->Load());
    std::vector<std::future<Result<void>>> answers;
    for (std::int64_t revision = 1; revision <= 10'000; ++revision) {
      answers.push_back(Send(
          *journal, {Row(revision, "object-" + std::to_string(revision), std::string(1100, 'x'))}));
    }
    for (auto& answer : answers) {
      ASSERT_TRUE(answer.get());
    }
  }
  auto journal = Open();
  const auto start = std::chrono::steady_clock::now();
  const auto state = journal->Load();
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(state);
  EXPECT_EQ(state->latest.size(), 10'000U);
  RecordProperty(
      "load_ms",
      static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
}

}  // namespace
}  // namespace midwatch::store
