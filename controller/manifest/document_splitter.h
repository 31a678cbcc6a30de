#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace midwatch::manifest {

/// The text of one document of a YAML stream.
struct DocumentText {
  std::string_view text;         ///< From its `---` line, if it has one, to the next marker.
  std::uint32_t first_line = 1;  ///< In the file.
  bool blank = false;            ///< White space, comments and markers alone.
};

/// Cuts a stream at the lines that YAML reserves for markers: `---` and `...` at the start of a
/// line, followed by white space or nothing.
std::vector<DocumentText> SplitDocuments(std::string_view bytes);

}  // namespace midwatch::manifest
