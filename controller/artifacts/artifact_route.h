#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace midwatch::artifacts {

/// Every path of the artifact service begins with it.
inline constexpr std::string_view kArtifactPaths = "/artifacts/v1/";

/// ```
/// PUT  /artifacts/v1/blobs/DIGEST                           the content; 422 if it is another
/// GET  /artifacts/v1/blobs/DIGEST
/// POST /artifacts/v1/logs/NAME?offset=N                     append; 409 if the log ends elsewhere
/// GET  /artifacts/v1/logs/NAME?offset=N&limit=N             a piece
/// GET  /artifacts/v1/logs/NAME?offset=N&follow=true         all that comes, until the caller
/// leaves GET  /artifacts/v1/search?log=PREFIX&text=TEXT&limit=N    lines of logs, as JSON
/// ```
struct ArtifactRoute {
  enum class Kind : std::uint8_t { kBlob, kLog, kSearch };
  Kind kind = Kind::kBlob;
  std::string name;  ///< Digest, name of a log, or the prefix of a search.
  std::uint64_t offset = 0;
  std::uint64_t limit = 0;  ///< 0: not given.
  bool follow = false;
  std::string text;
};

/// kNotFound for a path that leads to nothing, kBadRequest for a bad parameter.
Result<ArtifactRoute> ParseArtifactRoute(std::string_view target);
/// The inverse.
std::string ToTarget(const ArtifactRoute& route);

}  // namespace midwatch::artifacts
