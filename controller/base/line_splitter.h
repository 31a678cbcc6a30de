#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace midwatch {

/// Cuts a stream of bytes into lines. A line longer than `limit` is dropped while it arrives, and
/// reported once, so memory stays bounded whatever the peer sends.
class LineSplitter {
 public:
  struct Line {
    std::string text;       ///< Without its line feed and a carriage return before it.
    bool too_long = false;  ///< It crossed the limit; `text` is empty.
  };

  explicit LineSplitter(std::size_t limit) : limit_(limit) {}

  /// The lines that the bytes complete.
  std::vector<Line> Feed(std::string_view bytes);
  /// What came after the last line feed, at the end of the stream.
  std::optional<Line> Finish();

 private:
  void Append(std::string_view bytes);
  Line Take();

  std::size_t limit_;
  std::string pending_;
  bool too_long_ = false;
};

}  // namespace midwatch
