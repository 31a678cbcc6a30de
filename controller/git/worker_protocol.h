#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/env/git_client.h"
#include "controller/object/json.h"

namespace midwatch::git {

#if defined(__has_feature)
#define MIDWATCH_GIT_HAS(feature) __has_feature(feature)
#else
#define MIDWATCH_GIT_HAS(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    MIDWATCH_GIT_HAS(address_sanitizer) || MIDWATCH_GIT_HAS(thread_sanitizer)
inline constexpr std::uint64_t kWorkerMemory = 0;  ///< Sanitizers reserve what looks like data.
#else
inline constexpr std::uint64_t kWorkerMemory = std::uint64_t{640} << 20;
#endif
#undef MIDWATCH_GIT_HAS

/// What one request may cost. Crossing one is kTooLarge and names it.
struct GitLimits {
  std::uint64_t fetch_bytes = std::uint64_t{512} << 20;  ///< Received from a remote.
  std::uint64_t fetch_objects = 2'000'000;
  std::uint64_t disk_bytes = std::uint64_t{1} << 30;     ///< One file of the cache (RLIMIT_FSIZE).
  std::uint64_t memory_bytes = kWorkerMemory;            ///< Of the worker (RLIMIT_DATA); 0: any.
  std::uint64_t file_bytes = std::uint64_t{32} << 20;    ///< Larger files are reported, not read.
  std::uint64_t total_bytes = std::uint64_t{256} << 20;  ///< Of the files read for one request.
  std::uint64_t entries = 200'000;                       ///< Under the path.
  int depth = 64;                                        ///< Folders in folders.
};

/// What the parent asks of `midwatch git-worker`.
struct WorkerRequest {
  GitFetchRequest fetch;    ///< Without its known blobs.
  std::string known_blobs;  ///< One id of 40 digits after the other: 10,000 cost next to nothing.
  GitLimits limits;
  std::string repository;  ///< Directory of the cache repository; made if missing.
};

/// One message of the pipe between parent and worker: a JSON header and raw bytes. On the wire both
/// lengths stand before them as 32-bit big-endian numbers.
///
/// The parent sends a `fetch` and reads any number of `entries` and then one `done` or `error`.
struct Frame {
  Json header;
  std::string body;
};

inline constexpr std::size_t kMaxFrameHeader = std::size_t{256} << 10;  ///< A CA bundle fits.
inline constexpr std::size_t kMaxFrameBody = std::size_t{48} << 20;     ///< The largest file fits.
inline constexpr std::size_t kEntriesPerFrameBytes = std::size_t{512}
                                                     << 10;  ///< A frame ends at it.

/// Header and body must be within the bounds above.
std::string EncodeFrame(const Json& header, std::string_view body);

/// Cuts a byte stream into frames. The other side is not trusted: a bad or too large frame is
/// kInternal.
class FrameReader {
 public:
  void Append(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole frame, or none until more bytes arrive.
  Result<std::optional<Frame>> Next();

 private:
  std::string buffer_;
  std::size_t start_ = 0;  // What lies before it has been read.
};

/// The frame that asks.
std::string EncodeRequest(const GitFetchRequest& fetch, const GitLimits& limits,
                          const std::string& repository);
Result<WorkerRequest> DecodeRequest(Frame frame);

/// One entry in the body of an `entries` frame.
void AppendEntry(const GitEntry& entry, std::string& out);
Result<std::vector<GitEntry>> DecodeEntries(std::string_view body);

std::string EncodeError(const Error& error);
Error DecodeError(const Json& header);

}  // namespace midwatch::git
