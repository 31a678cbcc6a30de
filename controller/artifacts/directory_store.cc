#include "controller/artifacts/directory_store.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "controller/artifacts/file.h"
#include "controller/base/digest.h"
#include "controller/base/encoding.h"
#include "controller/base/text.h"

namespace midwatch::artifacts {
namespace {

constexpr std::string_view kLogSuffix = ".log";

// One thread and what it still has to do.
class Lane {
 public:
  using Call = std::function<void()>;

  Lane() : thread_([this] { Run(); }) {}
  ~Lane() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  bool Add(Call call) {
    const std::lock_guard lock(mutex_);
    if (calls_.size() >= kMaxWaitingCalls) {
      return false;
    }
    calls_.push_back(std::move(call));
    changed_.notify_one();
    return true;
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !calls_.empty(); });
      if (calls_.empty()) {
        return;
      }
      Call call = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      call();
      call = nullptr;  // Not under the lock: what it held may bring the next call.
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call> calls_;
  bool stopping_ = false;
  std::thread thread_;
};

tl::unexpected<Error> TooBusy() {
  return Fail(ErrorCode::kTooManyRequests, "too many calls of the artifact store are waiting");
}

}  // namespace

class DirectoryStore::Lanes {
 public:
  explicit Lanes(std::size_t count) {
    for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i) {
      lanes_.push_back(std::make_unique<Lane>());
    }
  }

  /// Calls with the same key are done in their order.
  template <typename T>
  void Do(std::size_t key, std::function<void(Result<T>)> done, std::function<Result<T>()> call) {
    const auto shared = std::make_shared<std::function<void(Result<T>)>>(std::move(done));
    if (!lanes_[key % lanes_.size()]->Add(
            [shared, call = std::move(call)] { (*shared)(call()); })) {
      (*shared)(TooBusy());
    }
  }

  std::uint64_t NextNumber() { return ++number_; }

 private:
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<std::uint64_t> number_ = 0;
};

Result<std::unique_ptr<DirectoryStore>> DirectoryStore::Open(std::string directory,
                                                             std::size_t threads) {
  std::error_code ignored;
  std::filesystem::remove_all(directory + "/tmp", ignored);
  for (const char* part : {"/tmp", "/blobs", "/logs", "/uploads"}) {
    MIDWATCH_TRY(MakeDirectory(directory + part));
  }
  return std::unique_ptr<DirectoryStore>(new DirectoryStore(std::move(directory), threads));
}

DirectoryStore::DirectoryStore(std::string directory, std::size_t threads)
    : directory_(std::move(directory)), lanes_(std::make_unique<Lanes>(threads)) {}

DirectoryStore::~DirectoryStore() = default;

void DirectoryStore::Put(std::string bytes, std::function<void(Result<std::string>)> done) {
  const std::uint64_t number = lanes_->NextNumber();
  lanes_->Do<std::string>(number, std::move(done), [this, number, bytes = std::move(bytes)] {
    return PutNow(bytes, number);
  });
}

void DirectoryStore::Get(std::string digest, std::function<void(Result<std::string>)> done) {
  const std::uint64_t number = lanes_->NextNumber();
  lanes_->Do<std::string>(number, std::move(done),
                          [this, digest = std::move(digest)] { return GetNow(digest); });
}

void DirectoryStore::Append(std::string log, std::uint64_t offset, std::string bytes,
                            std::function<void(Result<std::uint64_t>)> done) {
  const std::size_t key = std::hash<std::string>()(log);
  lanes_->Do<std::uint64_t>(key, std::move(done),
                            [this, log = std::move(log), offset, bytes = std::move(bytes)] {
                              return AppendNow(log, offset, bytes);
                            });
}

void DirectoryStore::Read(std::string log, std::uint64_t offset, std::size_t limit,
                          std::function<void(Result<std::string>)> done) {
  const std::size_t key = std::hash<std::string>()(log);
  lanes_->Do<std::string>(key, std::move(done), [this, log = std::move(log), offset, limit] {
    return ReadNow(log, offset, limit);
  });
}

void DirectoryStore::Search(std::string prefix, std::string text, std::size_t limit,
                            std::function<void(Result<std::vector<LogMatch>>)> done) {
  lanes_->Do<std::vector<LogMatch>>(lanes_->NextNumber(), std::move(done),
                                    [this, prefix = std::move(prefix), text = std::move(text),
                                     limit] { return SearchNow(prefix, text, limit); });
}

std::string DirectoryStore::BlobPath(const std::string& hex) const {
  return directory_ + "/blobs/" + hex.substr(0, 2) + "/" + hex;
}

std::string DirectoryStore::LogPath(const std::string& log) const {
  return directory_ + "/logs/" + PercentEncode(log).append(kLogSuffix);
}

std::string DirectoryStore::NotePath(const std::string& owner, const std::string& digest) const {
  return directory_ + "/uploads/" + Sha256Hex(owner) + "/" + digest.substr(digest.find(':') + 1);
}

Result<void> DirectoryStore::NoteUpload(const std::string& owner, const std::string& digest) const {
  MIDWATCH_TRY(CheckDigest(digest));
  const std::string path = NotePath(owner, digest);
  MIDWATCH_TRY(MakeDirectory(path.substr(0, path.rfind('/'))));
  return TouchFile(path);
}

bool DirectoryStore::HasUploaded(const std::string& owner, const std::string& digest) const {
  std::error_code error;
  return CheckDigest(digest) && std::filesystem::exists(NotePath(owner, digest), error);
}

Result<std::string> DirectoryStore::PutNow(const std::string& bytes, std::uint64_t number) const {
  if (bytes.size() > kMaxArtifactBytes) {
    return Fail(ErrorCode::kTooLarge, "artifact: " + std::to_string(bytes.size()) +
                                          " bytes, at most " + std::to_string(kMaxArtifactBytes));
  }
  std::string digest = DigestOf(bytes);
  if (GetNow(digest)) {
    return digest;
  }
  const std::string path = BlobPath(digest.substr(digest.find(':') + 1));
  MIDWATCH_TRY(MakeDirectory(path.substr(0, path.rfind('/'))));
  MIDWATCH_TRY(WriteFile(path, directory_ + "/tmp/" + std::to_string(number), bytes));
  return digest;
}

Result<std::string> DirectoryStore::GetNow(const std::string& digest) const {
  MIDWATCH_TRY(CheckDigest(digest));
  Result<std::string> bytes =
      ReadFile(BlobPath(digest.substr(digest.find(':') + 1)), kMaxArtifactBytes);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kNotFound, "artifact " + digest + " not found");
  }
  if (bytes ? DigestOf(*bytes) != digest : bytes.error().code == ErrorCode::kTooLarge) {
    return Fail(ErrorCode::kInternal,
                "artifact " + digest + " is damaged: its content has changed");
  }
  return bytes;
}

Result<std::uint64_t> DirectoryStore::AppendNow(const std::string& log, std::uint64_t offset,
                                                const std::string& bytes) const {
  MIDWATCH_TRY(CheckLogName(log));
  if (bytes.size() > kMaxAppendBytes) {
    return Fail(ErrorCode::kTooLarge, "append: " + std::to_string(bytes.size()) +
                                          " bytes, at most " + std::to_string(kMaxAppendBytes));
  }
  if (offset > kMaxLogBytes || bytes.size() > kMaxLogBytes - offset) {
    return Fail(ErrorCode::kTooLarge, "log " + Quote(log) + " would have more than " +
                                          std::to_string(kMaxLogBytes) + " bytes");
  }
  Result<void> appended = AppendFile(LogPath(log), offset, bytes);
  if (!appended) {
    appended.error().message = "log " + Quote(log) + " " + appended.error().message;
    return Fail(std::move(appended).error());
  }
  return offset + bytes.size();
}

Result<std::string> DirectoryStore::ReadNow(const std::string& log, std::uint64_t offset,
                                            std::size_t limit) const {
  MIDWATCH_TRY(CheckLogName(log));
  Result<std::string> bytes = ReadPart(LogPath(log), offset, std::min(limit, kMaxReadBytes));
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kNotFound, "log " + Quote(log) + " not found");
  }
  return bytes;
}

Result<std::vector<LogMatch>> DirectoryStore::SearchNow(const std::string& prefix,
                                                        const std::string& text,
                                                        std::size_t limit) const {
  std::vector<std::string> logs;
  std::error_code error;
  std::filesystem::directory_iterator at(directory_ + "/logs", error);
  for (const std::filesystem::directory_iterator end; !error && at != end; at.increment(error)) {
    const Result<std::string> name = PercentDecode(at->path().stem().string(), false);
    if (name && name->starts_with(prefix)) {
      logs.push_back(*name);
    }
  }
  std::sort(logs.begin(), logs.end());
  std::vector<LogMatch> matches;
  for (const std::string& log : logs) {
    if (matches.size() >= limit) {
      break;
    }
    MIDWATCH_ASSIGN(const std::string bytes, ReadPart(LogPath(log), 0, kMaxLogBytes));
    for (std::size_t found = bytes.find(text);
         found != std::string::npos && matches.size() < limit;) {
      const std::size_t before = found == 0 ? std::string::npos : bytes.rfind('\n', found - 1);
      const std::size_t begin = before == std::string::npos ? 0 : before + 1;
      const std::size_t end = std::min(bytes.find('\n', found), bytes.size());
      matches.push_back({log, begin, bytes.substr(begin, end - begin)});
      found = bytes.find(text, end);
    }
  }
  return matches;
}

}  // namespace midwatch::artifacts
