#include "controller/manifest/document_splitter.h"

#include <algorithm>

namespace midwatch::manifest {
namespace {

bool IsMarker(std::string_view line, std::string_view marker) {
  constexpr std::string_view kSpace = " \t\r\n";
  return line.starts_with(marker) &&
         (line.size() == marker.size() || kSpace.find(line[marker.size()]) != kSpace.npos);
}

bool IsBlank(std::string_view text) {
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  return at == text.npos || text[at] == '#';
}

class Splitter {
 public:
  explicit Splitter(std::string_view bytes) : bytes_(bytes) {}

  std::vector<DocumentText> Run() {
    for (std::size_t at = 0; at < bytes_.size();) {
      const std::size_t newline = bytes_.find('\n', at);
      const std::size_t next = newline == bytes_.npos ? bytes_.size() : newline + 1;
      Line(at, bytes_.substr(at, next - at), next);
      at = next;
      ++line_;
    }
    Finish(bytes_.size(), bytes_.size(), line_);
    return std::move(documents_);
  }

 private:
  void Line(std::size_t at, std::string_view line, std::size_t next) {
    if (IsMarker(line, "---")) {
      Finish(at, at, line_);
      blank_ = IsBlank(line.substr(3));
    } else if (IsMarker(line, "...")) {
      Finish(next, next, line_ + 1);
    } else {
      blank_ = blank_ && IsBlank(line);
    }
  }

  void Finish(std::size_t end, std::size_t next_start, std::uint32_t next_line) {
    if (end > start_) {
      documents_.push_back({bytes_.substr(start_, end - start_), first_line_, blank_});
    }
    start_ = next_start;
    first_line_ = next_line;
    blank_ = true;
  }

  std::string_view bytes_;
  std::vector<DocumentText> documents_;
  std::size_t start_ = 0;
  std::uint32_t first_line_ = 1;
  std::uint32_t line_ = 1;
  bool blank_ = true;
};

}  // namespace

std::vector<DocumentText> SplitDocuments(std::string_view bytes) { return Splitter(bytes).Run(); }

}  // namespace midwatch::manifest
