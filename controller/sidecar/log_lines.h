#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/object/json.h"

namespace midwatch::sidecar {

/// A line of the job's log as the tool `log` showed it.
struct LogLine {
  std::size_t number = 0;
  std::string text;
};
using LogLines = std::vector<LogLine>;

/// A page of the tool `log`: `12| text` lines between a heading and `more: from 13` or `no more`.
struct LogPage {
  LogLines lines;
  std::optional<std::size_t> next;
};
LogPage ParsePage(std::string_view page);

/// The line without terminal control sequences (ECMA-48), for matching.
std::string Plain(std::string_view line);

/// The part of the line to quote for a match: word for word, free of control sequences and outer
/// white space, at most kMaxQuote bytes.
std::string QuoteFrom(std::string_view line, std::string_view match);
inline constexpr std::size_t kMaxQuote = 500;

Json EvidenceOf(const LogLine& line, std::string_view match);

}  // namespace midwatch::sidecar
