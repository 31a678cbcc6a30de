#pragma once

#include <memory>
#include <string>

#include "controller/env/log.h"
#include "controller/env/process_runner.h"

namespace midwatch::posix {

/// Removes directories for whose content nobody vouches (deep, wide, closed to their owner): moves
/// each aside, and what is there is removed by one process at a time, of low priority. Failures are
/// logged, and tried again with the next one. Thread-safe.
class DirectoryRemover {
 public:
  /// Makes the directory `aside`, on the filesystem of what will be removed, and removes what a
  /// former process left in it.
  DirectoryRemover(std::string aside, ProcessRunner& processes, Log& log);
  ~DirectoryRemover();
  DirectoryRemover(const DirectoryRemover&) = delete;
  DirectoryRemover& operator=(const DirectoryRemover&) = delete;

  /// Returns at once, and the directory is not at its place any more. Nothing if it was not there.
  void Remove(const std::string& path);
  /// Ends the process; from here on directories are moved aside only.
  void Stop();

 private:
  class Work;
  std::shared_ptr<Work> work_;  // Shared with its process, whose end may come later.
};

}  // namespace midwatch::posix
