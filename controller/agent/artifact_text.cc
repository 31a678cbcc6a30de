#include "controller/agent/artifact_text.h"

#include <algorithm>

#include "controller/base/text.h"

namespace midwatch::agent {
namespace {

std::string Normalised(std::string text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool before_line_feed = i + 1 < text.size() && text[i + 1] == '\n';
    if (text[i] != '\r' || !before_line_feed) {
      out.push_back(text[i]);
    }
  }
  std::size_t checked = 0;
  for (;;) {
    const auto bad = FindInvalidUtf8(std::string_view(out).substr(checked));
    if (!bad) {
      return out;
    }
    checked += *bad;
    out[checked] = '?';
  }
}

}  // namespace

ArtifactText::ArtifactText(std::string text) : text_(Normalised(std::move(text))) {
  for (std::size_t start = 0; start < text_.size();) {
    starts_.push_back(start);
    const std::size_t end = text_.find('\n', start);
    start = end == std::string::npos ? text_.size() : end + 1;
  }
}

std::string_view ArtifactText::Lines(std::size_t first, std::size_t last) const {
  if (first < 1 || first > line_count() || last < first) {
    return {};
  }
  last = std::min(last, line_count());
  const std::size_t begin = starts_[first - 1];
  std::size_t end = last < line_count() ? starts_[last] : text_.size();
  if (end > begin && text_[end - 1] == '\n') {
    --end;
  }
  return std::string_view(text_).substr(begin, end - begin);
}

std::optional<std::size_t> ArtifactText::FindQuote(std::string_view quote, std::size_t from) const {
  if (from < 1 || from > line_count()) {
    return std::nullopt;
  }
  const std::size_t at = text_.find(quote, starts_[from - 1]);
  if (at == std::string::npos) {
    return std::nullopt;
  }
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), at);
  return static_cast<std::size_t>(after - starts_.begin());
}

}  // namespace midwatch::agent
