#include "controller/base/line_splitter.h"

#include <utility>

namespace midwatch {

std::vector<LineSplitter::Line> LineSplitter::Feed(std::string_view bytes) {
  std::vector<Line> lines;
  for (;;) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    Append(bytes.substr(0, end));
    lines.push_back(Take());
    bytes.remove_prefix(end + 1);
  }
  Append(bytes);
  return lines;
}

std::optional<LineSplitter::Line> LineSplitter::Finish() {
  if (pending_.empty() && !too_long_) {
    return std::nullopt;
  }
  return Take();
}

void LineSplitter::Append(std::string_view bytes) {
  if (too_long_ || bytes.size() > limit_ - pending_.size()) {
    too_long_ = true;
    pending_.clear();
    pending_.shrink_to_fit();
    return;
  }
  pending_.append(bytes);
}

LineSplitter::Line LineSplitter::Take() {
  Line line{std::exchange(pending_, {}), std::exchange(too_long_, false)};
  if (!line.text.empty() && line.text.back() == '\r') {
    line.text.pop_back();
  }
  return line;
}

}  // namespace midwatch
