#include "controller/posix/directory_remover.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "controller/posix/descriptor.h"

namespace midwatch::posix {
namespace {

// Whoever made a directory may have closed it to its owner.
constexpr const char* kScript =
    "result=0\n"
    "for each in \"$1\"/*; do\n"
    "  rm -rf -- \"$each\" 2>/dev/null && continue\n"
    "  chmod -R u+rwx -- \"$each\" 2>/dev/null\n"
    "  rm -rf -- \"$each\" || result=1\n"
    "done\n"
    "exit $result\n";
constexpr std::size_t kMaxErrors = 512;

}  // namespace

class DirectoryRemover::Work : public std::enable_shared_from_this<DirectoryRemover::Work> {
 public:
  Work(std::string aside, ProcessRunner& processes, Log& log)
      : aside_(std::move(aside)), processes_(processes), log_(log) {
    mkdir(aside_.c_str(), S_IRWXU);
  }

  void Begin() {
    const std::lock_guard lock(mutex_);
    StartProcess();
  }

  void Remove(const std::string& path) {
    const std::lock_guard lock(mutex_);
    std::string place = aside_ + "/XXXXXX";
    // An empty directory gives way to another.
    const bool moved = mkdtemp(place.data()) != nullptr && rename(path.c_str(), place.c_str()) == 0;
    const int error = errno;
    if (!moved) rmdir(place.c_str());
    if (!moved && error == ENOENT) return;
    if (!moved && !stopping_) NoteFailure(SystemError("move " + path, error).message);
    more_ = true;
    if (!process_) StartProcess();
  }

  void Stop() {
    std::unique_ptr<Process> ended;
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ended = std::move(process_);
  }

 private:
  class Sink final : public ProcessSink {
   public:
    explicit Sink(std::shared_ptr<Work> work) : work_(std::move(work)) {}
    void OnStdout(std::string_view) override {}
    void OnStderr(std::string_view bytes) override {
      errors_.append(bytes.substr(0, kMaxErrors - errors_.size()));
    }
    void OnExit(ProcessExit exit) override { work_->NoteExit(exit, errors_); }

   private:
    const std::shared_ptr<Work> work_;
    std::string errors_;
  };

  void NoteExit(ProcessExit exit, const std::string& errors) {
    const std::lock_guard lock(mutex_);
    process_.reset();
    if (stopping_) return;
    if (exit.code != 0 || exit.signal != 0) NoteFailure(errors);
    if (more_) StartProcess();
  }

  /// Called under the lock.
  void StartProcess() {
    if (stopping_) return;
    more_ = false;
    ProcessSpec spec;
    spec.command = {"nice", "-n", "19", "sh", "-c", kScript, "sh", aside_};
    spec.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}};
    auto started = processes_.Start(spec, std::make_shared<Sink>(shared_from_this()));
    if (!started) return NoteFailure(started.error().message);
    process_ = std::move(*started);
  }

  void NoteFailure(const std::string& why) {
    log_.Warn("a former working directory could not be removed", {{"where", aside_}, {"why", why}});
  }

  const std::string aside_;
  ProcessRunner& processes_;
  Log& log_;
  std::mutex mutex_;
  bool stopping_ = false;
  bool more_ = false;  ///< Something was moved since the process looked.
  std::unique_ptr<Process> process_;
};

DirectoryRemover::DirectoryRemover(std::string aside, ProcessRunner& processes, Log& log)
    : work_(std::make_shared<Work>(std::move(aside), processes, log)) {
  work_->Begin();
}

DirectoryRemover::~DirectoryRemover() { Stop(); }

void DirectoryRemover::Remove(const std::string& path) { work_->Remove(path); }

void DirectoryRemover::Stop() { work_->Stop(); }

}  // namespace midwatch::posix
