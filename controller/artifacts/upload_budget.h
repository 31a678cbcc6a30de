#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace midwatch::artifacts {

/// What may be uploaded for one Run, in bytes.
inline constexpr std::uint64_t kMaxUploadBytesPerRun = std::uint64_t{128} << 20;
/// What an upload counts at least: a file has a price too.
inline constexpr std::uint64_t kLeastUploadBytes = std::uint64_t{16} << 10;

/// What has been uploaded for each Run that is under way, since this was made. Content that comes
/// again counts once, so a lost answer costs nothing. Thread-safe.
class UploadBudget {
 public:
  /// Counts an upload of `owner` for one of the Runs that it has under way, where there is enough
  /// left. False: there is not, and nothing was counted. Its other Runs are forgotten.
  bool Take(const std::string& owner, const std::vector<std::string>& runs,
            const std::string& digest, std::uint64_t bytes);

 private:
  struct Spent {
    std::uint64_t bytes = 0;
    std::unordered_map<std::string, std::uint64_t> uploads;  // Bytes by digest.
  };
  std::mutex mutex_;
  std::unordered_map<std::string, std::map<std::string, Spent>> owners_;  // Each one's, by Run.
};

}  // namespace midwatch::artifacts
