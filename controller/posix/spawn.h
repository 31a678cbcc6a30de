#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/posix/descriptor.h"

namespace midwatch::posix {

/// What posix_spawn is to do. The child leads a session of its own (so it has no terminal), has
/// default signal handling, no blocked signals, exactly the environment given, and no descriptors
/// but these.
struct SpawnRequest {
  std::string program;                 ///< A path; see FindProgram.
  std::vector<std::string> arguments;  ///< With argument 0.
  std::map<std::string, std::string> environment;
  std::string working_directory;  ///< Empty: that of this process.
  std::vector<int> descriptors;   ///< Become 0, 1, 2, … of the child. -1: /dev/null.
};

Result<pid_t> Spawn(const SpawnRequest& request);

/// The environment of this process.
std::map<std::string, std::string> OwnEnvironment();

/// Runs a command to its end, without input and output; true if its exit code is 0. For probes: the
/// program is argument 0, a path.
bool Succeeds(const std::vector<std::string>& command);

/// The absolute path of the file that a command names: itself if it has a slash, else the first
/// executable in `path` (colon-separated). kNotFound says where it was looked for.
Result<std::string> FindProgram(const std::string& command, const std::string& path);

}  // namespace midwatch::posix
