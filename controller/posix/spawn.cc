#include "controller/posix/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "controller/base/text.h"

extern char** environ;

namespace midwatch::posix {
namespace {

/// posix_spawn's two argument objects, destroyed together.
class SpawnArguments {
 public:
  SpawnArguments() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  SpawnArguments(const SpawnArguments&) = delete;
  SpawnArguments& operator=(const SpawnArguments&) = delete;
  ~SpawnArguments() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  void ResetSignals() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }

  void PlaceDescriptors(const std::vector<int>& descriptors) {
    int target = 0;
    for (const int fd : descriptors) {
      if (fd < 0) {
        posix_spawn_file_actions_addopen(&actions_, target, "/dev/null", O_RDWR, 0);
      } else {
        posix_spawn_file_actions_adddup2(&actions_, fd, target);
      }
      ++target;
    }
    posix_spawn_file_actions_addclosefrom_np(&actions_, target);
  }

  void ChangeDirectory(const std::string& path) {
    posix_spawn_file_actions_addchdir_np(&actions_, path.c_str());
  }

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

bool IsExecutableFile(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<pid_t> Spawn(const SpawnRequest& request) {
  SpawnArguments arguments;
  arguments.ResetSignals();
  arguments.PlaceDescriptors(request.descriptors);
  if (!request.working_directory.empty()) arguments.ChangeDirectory(request.working_directory);

  std::vector<std::string> argv_texts = request.arguments;
  std::vector<std::string> env_texts;
  for (const auto& [name, value] : request.environment) env_texts.push_back(name + "=" + value);
  const std::vector<char*> argv = Pointers(argv_texts);
  const std::vector<char*> environment = Pointers(env_texts);

  pid_t pid = -1;
  const int error = posix_spawn(&pid, request.program.c_str(), arguments.actions(),
                                arguments.attributes(), argv.data(), environment.data());
  if (error != 0) return Fail(SystemError("start " + Quote(request.program), error));
  return pid;
}

std::map<std::string, std::string> OwnEnvironment() {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

bool Succeeds(const std::vector<std::string>& command) {
  const auto pid = Spawn({.program = command[0],
                          .arguments = command,
                          .environment = {},
                          .working_directory = "/",
                          .descriptors = {-1, -1, -1}});
  if (!pid) return false;
  int status = 0;
  return waitpid(*pid, &status, 0) == *pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Result<std::string> FindProgram(const std::string& command, const std::string& path) {
  if (command.find('/') != std::string::npos) {
    if (IsExecutableFile(command))
      return std::filesystem::absolute(command).lexically_normal().string();
    return Fail(ErrorCode::kNotFound, "command " + Quote(command) + ": no executable file");
  }
  for (const std::string_view folder : Split(path, ':')) {
    if (folder.empty() || command.empty()) continue;
    const std::string candidate = std::string(folder) + "/" + command;
    if (IsExecutableFile(candidate))
      return std::filesystem::absolute(candidate).lexically_normal().string();
  }
  return Fail(ErrorCode::kNotFound,
              "command " + Quote(command) + ": not found in PATH " + Quote(path));
}

}  // namespace midwatch::posix
