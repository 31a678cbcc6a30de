#include "controller/artifacts/directory_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "controller/base/digest.h"

namespace midwatch::artifacts {
namespace {

class DirectoryStoreTest : public testing::Test {
 protected:
  DirectoryStoreTest() {
    std::string form = std::filesystem::temp_directory_path() / "midwatch-artifacts-XXXXXX";
    directory_ = mkdtemp(form.data());
    Reopen();
  }
  ~DirectoryStoreTest() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Reopen() {
    store_.reset();
    Result<std::unique_ptr<DirectoryStore>> opened = DirectoryStore::Open(directory_ + "/a/b");
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    store_ = std::move(*opened);
  }

  Result<std::string> Put(std::string bytes) {
    return Wait<std::string>([&](auto done) { store_->Put(std::move(bytes), done); });
  }
  Result<std::string> Get(std::string digest) {
    return Wait<std::string>([&](auto done) { store_->Get(std::move(digest), done); });
  }
  Result<std::uint64_t> Append(std::string log, std::uint64_t offset, std::string bytes) {
    return Wait<std::uint64_t>(
        [&](auto done) { store_->Append(std::move(log), offset, std::move(bytes), done); });
  }
  Result<std::string> Read(std::string log, std::uint64_t offset, std::size_t limit = 1'000) {
    return Wait<std::string>([&](auto done) { store_->Read(std::move(log), offset, limit, done); });
  }

  std::string BlobFile(const std::string& digest) const {
    const std::string hex = digest.substr(7);
    return directory_ + "/a/b/blobs/" + hex.substr(0, 2) + "/" + hex;
  }

  template <typename T, typename Call>
  static Result<T> Wait(Call call) {
    std::promise<Result<T>> promise;
    call([&](Result<T> result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }

  std::string directory_;
  std::unique_ptr<DirectoryStore> store_;
};

TEST_F(DirectoryStoreTest, ContentIsFoundByItsDigestAlsoAfterARestart) {
  const Result<std::string> digest = Put("hello");
  ASSERT_TRUE(digest.has_value());
  EXPECT_EQ(*digest, DigestOf("hello"));
  EXPECT_EQ(Put("hello").value(), *digest);
  Reopen();
  EXPECT_EQ(Get(*digest).value(), "hello");
  EXPECT_EQ(Get(DigestOf("")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Get(Put("").value()).value(), "");
}

TEST_F(DirectoryStoreTest, KnowsWhoHasUploadedWhat) {
  const std::string digest = DigestOf("x");
  const std::string owner = "midwatch:agent:" + std::string(63, 'n') + ":" + std::string(253, 'a');
  EXPECT_FALSE(store_->HasUploaded(owner, digest));
  ASSERT_TRUE(store_->NoteUpload(owner, digest));
  ASSERT_TRUE(store_->NoteUpload(owner, digest));
  Reopen();
  EXPECT_TRUE(store_->HasUploaded(owner, digest));
  EXPECT_FALSE(store_->HasUploaded(owner, DigestOf("y")));
  EXPECT_FALSE(store_->HasUploaded("midwatch:agent:n:a", digest));
  EXPECT_FALSE(store_->HasUploaded(owner, "sha256:../" + digest.substr(7)));
  EXPECT_FALSE(store_->NoteUpload(owner, "sha256:../x"));
}

TEST_F(DirectoryStoreTest, DamagedContentIsNoticedAndMendedByAnotherPut) {
  const std::string digest = Put("hello").value();
  std::ofstream(BlobFile(digest)) << "jello";
  EXPECT_EQ(Get(digest).error().code, ErrorCode::kInternal);
  EXPECT_EQ(Put("hello").value(), digest);
  EXPECT_EQ(Get(digest).value(), "hello");
}

TEST_F(DirectoryStoreTest, WhatACrashLeftHalfWrittenIsRemoved) {
  std::ofstream(directory_ + "/a/b/tmp/1") << "half";
  Reopen();
  EXPECT_TRUE(std::filesystem::is_empty(directory_ + "/a/b/tmp"));
}

TEST_F(DirectoryStoreTest, LogsGrowAtTheirEndOnly) {
  EXPECT_EQ(Append("runs/a/b", 0, "one\n").value(), 4u);
  EXPECT_EQ(Append("runs/a/b", 4, "two\n").value(), 8u);
  for (const std::uint64_t offset : {0U, 4U, 7U, 9U}) {
    const Result<std::uint64_t> resent = Append("runs/a/b", offset, "x");
    EXPECT_EQ(resent.error().code, ErrorCode::kConflict);
    EXPECT_EQ(resent.error().message,
              "log \"runs/a/b\" ends at 8, not at " + std::to_string(offset));
  }
  Reopen();
  EXPECT_EQ(Read("runs/a/b", 0).value(), "one\ntwo\n");
  EXPECT_EQ(Read("runs/a/b", 4, 2).value(), "tw");
  EXPECT_EQ(Read("runs/a/b", 8).value(), "");
  EXPECT_EQ(Read("runs/a/b", 99).value(), "");
  EXPECT_EQ(Read("runs/a", 0).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Append("runs/a/b", 8, "").value(), 8u);
}

TEST_F(DirectoryStoreTest, AppendsOfOneLogKeepTheirOrder) {
  std::promise<Result<std::uint64_t>> last;
  constexpr std::uint64_t kCount = 500;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    store_->Append("log", i, "x", [&, i](Result<std::uint64_t> end) {
      EXPECT_TRUE(end.has_value());
      if (i + 1 == kCount) {
        last.set_value(end);
      }
    });
  }
  EXPECT_EQ(last.get_future().get().value(), kCount);
}

TEST_F(DirectoryStoreTest, LimitsAreCrossed) {
  EXPECT_EQ(Put(std::string(kMaxArtifactBytes + 1, 'x')).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Append("log", 0, std::string(kMaxAppendBytes + 1, 'x')).error().code,
            ErrorCode::kTooLarge);
  EXPECT_EQ(Read("log", 0).error().code, ErrorCode::kNotFound);
  std::uint64_t end = 0;
  while (end < kMaxLogBytes) {
    end = Append("log", end, std::string(kMaxAppendBytes, 'x')).value();
  }
  EXPECT_EQ(end, std::uint64_t{64} << 20);
  EXPECT_EQ(Append("log", end, "x").error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Append("log", ~std::uint64_t{0}, "x").error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(Read("log", 0, kMaxReadBytes + 1).value().size(), kMaxReadBytes);
}

TEST_F(DirectoryStoreTest, TooManyWaitingCallsAreRefused) {
  std::promise<void> go;
  std::shared_future<void> started = go.get_future().share();
  store_->Read("blocker", 0, 1, [started](const Result<std::string>&) { started.wait(); });
  std::atomic<int> refused = 0;
  for (std::size_t i = 0; i < kMaxWaitingCalls + 2; ++i) {
    store_->Read("blocker", 0, 1, [&](const Result<std::string>& result) {
      refused += result.error().code == ErrorCode::kTooManyRequests ? 1 : 0;
    });
  }
  EXPECT_GE(refused, 1);
  go.set_value();
  store_.reset();
}

TEST_F(DirectoryStoreTest, NamesCannotLeaveTheDirectory) {
  for (const std::string name :
       {"", "/", "..", "a/../b", "/etc/passwd", "a//b", "a/", ".a", "A", "a b", "a\n", "a%2e"}) {
    EXPECT_EQ(Append(name, 0, "x").error().code, ErrorCode::kInvalid) << name;
    EXPECT_EQ(Read(name, 0).error().code, ErrorCode::kInvalid) << name;
  }
  EXPECT_EQ(Append(std::string(kMaxLogName + 1, 'a'), 0, "x").error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(Append(std::string(kMaxLogName, 'a'), 0, "x").has_value());
  for (const std::string digest : {"", "sha256:..", "sha1:abc", "sha256:../../../etc/passwd"}) {
    EXPECT_EQ(Get(digest).error().code, ErrorCode::kInvalid) << digest;
  }
}

TEST_F(DirectoryStoreTest, SearchFindsLinesOfLogsByPrefix) {
  ASSERT_TRUE(Append("runs/a/one", 0, "first\nsecond error x\nthird error\n").has_value());
  ASSERT_TRUE(Append("runs/a/two", 0, "error").has_value());
  ASSERT_TRUE(Append("runs/b/three", 0, "error\n").has_value());
  const auto search = [&](std::size_t limit) {
    std::string text;
    const auto found = Wait<std::vector<LogMatch>>(
        [&](auto done) { store_->Search("runs/a/", "error", limit, done); });
    for (const LogMatch& match : found.value()) {
      text += match.log + "@" + std::to_string(match.offset) + ":" + match.line + ";";
    }
    return text;
  };
  EXPECT_EQ(search(10),
            "runs/a/one@6:second error x;runs/a/one@21:third error;runs/a/two@0:error;");
  EXPECT_EQ(search(1), "runs/a/one@6:second error x;");
}

TEST_F(DirectoryStoreTest, AFullDiskWritesNothing) {
  // /dev/full refuses each write as a full disk does.
  std::filesystem::create_symlink("/dev/full", directory_ + "/a/b/logs/full.log");
  EXPECT_EQ(Append("full", 0, "x").error().code, ErrorCode::kInsufficientStorage);
  EXPECT_TRUE(Append("other", 0, "x").has_value());
}

}  // namespace
}  // namespace midwatch::artifacts
