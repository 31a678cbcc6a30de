#include "controller/sidecar/log_lines.h"

#include <algorithm>
#include <charconv>

#include "controller/base/text.h"

namespace midwatch::sidecar {
namespace {

constexpr char kEscape = '\x1b';

bool ParseNumber(std::string_view text, std::size_t& out) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

/// Where the control sequence that begins at `at` ends.
std::size_t EndOfSequence(std::string_view line, std::size_t at) {
  if (at + 1 >= line.size() || line[at + 1] != '[') return std::min(at + 2, line.size());
  std::size_t end = at + 2;
  while (end < line.size() && (line[end] < '@' || line[end] > '~')) ++end;
  return std::min(end + 1, line.size());
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; }

/// The parts of a line between control characters and sequences.
std::vector<std::string_view> PartsOf(std::string_view line) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  std::size_t at = 0;
  while (at < line.size()) {
    if (!IsControl(line[at])) {
      ++at;
      continue;
    }
    parts.push_back(line.substr(start, at - start));
    at = line[at] == kEscape ? EndOfSequence(line, at) : at + 1;
    start = at;
  }
  parts.push_back(line.substr(start));
  return parts;
}

}  // namespace

LogPage ParsePage(std::string_view page) {
  LogPage parsed;
  for (const std::string_view line : Split(page, '\n')) {
    const std::size_t bar = line.find("| ");
    std::size_t number = 0;
    if (bar != std::string_view::npos && ParseNumber(line.substr(0, bar), number)) {
      std::string_view text = line.substr(bar + 2);
      const std::size_t cut =
          text.ends_with(" bytes, cut]") ? text.rfind(" [") : std::string_view::npos;
      parsed.lines.push_back({number, std::string(text.substr(0, cut))});
    } else if (line.starts_with("more: from ") && ParseNumber(line.substr(11), number)) {
      parsed.next = number;
    }
  }
  return parsed;
}

std::string Plain(std::string_view line) {
  std::string plain;
  for (const std::string_view part : PartsOf(line)) plain += part;
  return plain;
}

std::string QuoteFrom(std::string_view line, std::string_view match) {
  std::string_view best;
  for (const std::string_view part : PartsOf(line)) {
    const std::string_view trimmed = Trim(part);
    const bool has_match = !match.empty() && trimmed.find(match) != std::string_view::npos;
    if (has_match || trimmed.size() > best.size()) best = trimmed;
    if (has_match) break;
  }
  const std::size_t at = best.find(match);
  if (best.size() > kMaxQuote && at != std::string_view::npos && at > kMaxQuote / 2) {
    best.remove_prefix(at);
  }
  return std::string(Trim(Utf8Prefix(best, kMaxQuote)));
}

Json EvidenceOf(const LogLine& line, std::string_view match) {
  return Json::Of({{"artifact", "log"},
                   {"lines", std::to_string(line.number)},
                   {"quote", QuoteFrom(line.text, match)}});
}

}  // namespace midwatch::sidecar
