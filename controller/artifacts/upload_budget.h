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

/// Of how many owners it is known what they uploaded.
inline constexpr std::size_t kMaxUploaders = 1024;

/// What has been uploaded for each Run that is under way, since this was made. Content that comes
/// again counts once, so a lost answer costs nothing. Thread-safe.
class UploadBudget {
 public:
  /// Counts an upload of `owner` for one of the Runs that it has under way, where there is enough
  /// left. False: there is not, and nothing was counted. Its other Runs are forgotten, and so is
  /// who has not uploaded for the longest time once there are more than kMaxUploaders.
  bool Take(const std::string& owner, const std::vector<std::string>& runs,
            const std::string& digest, std::uint64_t bytes);

 private:
  struct Spent {
    std::uint64_t bytes = 0;
    std::unordered_map<std::string, std::uint64_t> uploads;  // Bytes by digest.
  };
  struct Owner {
    std::map<std::string, Spent> runs;
    std::uint64_t turn = 0;  // Of its last upload.
  };
  void ForgetOne();

  std::mutex mutex_;
  std::unordered_map<std::string, Owner> owners_;
  std::uint64_t turn_ = 0;
};

}  // namespace midwatch::artifacts
