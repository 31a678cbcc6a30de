#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include "controller/apiserver/test_world.h"
#include "controller/store/sqlite_journal.h"

namespace midwatch::apiserver {
namespace {

/// A thread that steps an actor whenever it is woken.
class Driver final : public Waker {
 public:
  void Run(Actor& actor, const Clock& clock) {
    thread_ = std::jthread([this, &actor, &clock](std::stop_token stop) {
      while (!stop.stop_requested()) {
        while (actor.Step(clock.Read())) {
        }
        std::unique_lock lock(mutex_);
        changed_.wait(lock, stop, [this] { return std::exchange(woken_, false); });
      }
    });
  }
  void Stop() { thread_ = {}; }
  void Wake() override {
    {
      const std::scoped_lock lock(mutex_);
      woken_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool woken_ = false;
  std::jthread thread_;
};

/// The storage as in production: its own thread, a journal with threads of its own, callers on
/// others.
class StorageThreadsTest : public testing::Test {
 protected:
  StorageThreadsTest() {
    directory_ =
        std::filesystem::temp_directory_path() / ("midwatch-storage-" + std::to_string(getpid()));
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    Start();
  }
  ~StorageThreadsTest() override {
    Stop();
    std::filesystem::remove_all(directory_);
  }
  void Start() {
    auto journal = store::SqliteJournal::Open({.path = (directory_ / "midwatch.db").string()});
    ASSERT_TRUE(journal) << journal.error().message;
    journal_ = *std::move(journal);
    storage_ = std::make_unique<Storage>(
        StorageWorld{TestRegistry(), *journal_, clock_, random_, log_, metrics_, driver_},
        StorageOptions{});
    ASSERT_TRUE(storage_->Open());
    api_ = std::make_unique<Api>(TestRegistry(), *storage_);
    driver_.Run(*storage_, clock_);
  }
  void Stop() {
    driver_.Stop();
    journal_.reset();  // Before the storage: it still answers into it.
    api_.reset();
    storage_.reset();
  }

  Target Widget(std::string name) const {
    return {.resource = TestRegistry().FindResource("widgets.demo.example.io"),
            .namespace_name = "default",
            .name = std::move(name)};
  }
  Result<WriteAnswer> Write(const std::string& name,
                            std::variant<CreateBody, UpdateBody, PatchBody, DeleteBody> body) {
    std::promise<Result<WriteAnswer>> answer;
    auto future = answer.get_future();
    api_->Write({.identity = Identity::Administrator(),
                 .target = Widget(name),
                 .body = std::move(body),
                 .options = {.field_manager = "test"}},
                [&](Result<WriteAnswer> result) { answer.set_value(std::move(result)); });
    return future.get();
  }
  /// Waits for the default namespace, which the storage makes by itself.
  void WaitForNamespace() {
    while (!storage_->Idle()) {
      std::this_thread::yield();
    }
  }
  std::int64_t Replicas(const std::string& name) const {
    const auto got = api_->Get({.identity = Identity::Administrator(), .target = Widget(name)});
    return got ? (*got)->object().Body().At("spec", "replicas").AsInt() : -1;
  }
  /// Adds one by compare-and-swap, however often it takes.
  void Increment(const std::string& name) {
    for (;;) {
      const auto got = api_->Get({.identity = Identity::Administrator(), .target = Widget(name)});
      ASSERT_TRUE(got);
      Json body = (*got)->object().Body();
      body["spec"].Set("replicas", body.At("spec", "replicas").AsInt() + 1);
      const auto put = Write(name, UpdateBody{.object = std::move(body)});
      if (put) {
        return;
      }
      ASSERT_EQ(put.error().code, ErrorCode::kConflict) << put.error().message;
    }
  }

  std::filesystem::path directory_;
  fakes::ManualClock clock_;
  fakes::SeededRandom random_{7};
  fakes::RecordingLog log_;
  fakes::RecordingMetrics metrics_;
  Driver driver_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Api> api_;
};

/// Every version must come once, in order.
class OrderedSink final : public WatchSink {
 public:
  void OnEvent(const WatchEvent& event) override {
    const std::int64_t version = std::stoll(event.resource_version);
    ordered = ordered && version > last;
    last = version;
    ++events;
  }
  void OnEnd(const Error&) override { ordered = false; }

  std::atomic<bool> ordered = true;
  std::atomic<std::int64_t> last = 0;
  std::atomic<int> events = 0;
};

TEST_F(StorageThreadsTest, ManyAtOnceLoseNothing) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 8;
  WaitForNamespace();
  Json counter = TestWorld::WidgetBody("counter");
  counter["spec"].Set("replicas", 0);
  ASSERT_TRUE(Write("counter", CreateBody{.object = counter}));
  const auto sink = std::make_shared<OrderedSink>();
  const WatchCall watch_all{.identity = Identity::Administrator(),
                            .target = Widget(""),
                            .resource_version = std::to_string(storage_->Revision())};
  auto watch = api_->Watch(watch_all, sink);
  ASSERT_TRUE(watch);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < kRounds; ++round) {
        const std::string name = "w-" + std::to_string(thread) + "-" + std::to_string(round);
        EXPECT_TRUE(Write(name, CreateBody{.object = TestWorld::WidgetBody(name)}));
        Increment("counter");
        const auto list = api_->List({.identity = Identity::Administrator(), .target = Widget("")});
        EXPECT_TRUE(list && list->items.size() > static_cast<std::size_t>(round));
        const auto brief = api_->Watch(watch_all, std::make_shared<OrderedSink>());
        EXPECT_TRUE(brief);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(Replicas("counter"), kThreads * kRounds);
  while (sink->last < storage_->Revision()) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(sink->ordered);
  EXPECT_EQ(sink->events, 2 * kThreads * kRounds);
  watch->reset();
  const std::int64_t revision = storage_->Revision();
  Stop();
  Start();
  EXPECT_EQ(storage_->Revision(), revision);
  EXPECT_EQ(Replicas("counter"), kThreads * kRounds);
}

}  // namespace
}  // namespace midwatch::apiserver
