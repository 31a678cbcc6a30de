#include "controller/cli/state_word.h"

#include <algorithm>
#include <array>

#include "controller/base/text.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"

namespace midwatch::cli {
namespace {

struct StateColour {
  std::string_view word;
  Colour colour;
};
constexpr std::array kStateColours = {
    StateColour{"Succeeded", Colour::kGreen},   StateColour{"Success", Colour::kGreen},
    StateColour{"Failed", Colour::kRed},        StateColour{"Error", Colour::kRed},
    StateColour{"Cancelled", Colour::kMagenta}, StateColour{"Running", Colour::kCyan},
    StateColour{"Assigned", Colour::kCyan},     StateColour{"Acknowledged", Colour::kCyan},
    StateColour{"Stopping", Colour::kYellow},   StateColour{"ApprovalRequired", Colour::kYellow},
    StateColour{"Parked", Colour::kYellow},     StateColour{"Pending", Colour::kBlue},
    StateColour{"Lost", Colour::kRed},          StateColour{"Warning", Colour::kYellow}};

struct Translation {
  std::string_view phase;
  std::string_view result;
};
constexpr std::array kResults = {Translation{"Succeeded", "Success"},
                                 Translation{"Assigned", "Running"},
                                 Translation{"Acknowledged", "Running"},
                                 Translation{"Stopping", "Running"}, Translation{"Lost", "Failed"}};

/// Columns that say yes or no, and the words of `--state` for that.
struct YesNo {
  std::string_view column;
  std::string_view yes;
  std::string_view no;
};
constexpr std::array kYesNo = {YesNo{"ready", "Ready", "NotReady"},
                               YesNo{"active", "Active", "Inactive"},
                               YesNo{"connected", "Connected", "Disconnected"}};

}  // namespace

std::string_view WhatWhySays(api::DispatchPhase phase) {
  return dispatch::IsTerminal(phase) ? " says how it ended" : " says what stands in the way";
}

std::string_view ResultWord(std::string_view phase) {
  const auto found = std::find_if(kResults.begin(), kResults.end(),
                                  [phase](const Translation& row) { return row.phase == phase; });
  return found == kResults.end() ? phase : found->result;
}

std::string ShowState(std::string_view phase, const Style& style) {
  const std::string_view word = ResultWord(phase);
  return style.In(ColourOfState(word), word);
}

Colour ColourOfState(std::string_view word) {
  const auto found = std::find_if(kStateColours.begin(), kStateColours.end(),
                                  [word](const StateColour& row) { return row.word == word; });
  return found == kStateColours.end() ? Colour::kNone : found->colour;
}

const std::vector<std::string>& StateWords() {
  static const std::vector<std::string> kWords = {
      "Pending", "Parked",   "Running", "Success",  "Failed",    "Cancelled",   "ApprovalRequired",
      "Ready",   "NotReady", "Active",  "Inactive", "Connected", "Disconnected"};
  return kWords;
}

bool IsStateWord(std::string_view word) {
  const std::string lower = ToLower(word);
  const auto is = [&](std::string_view one) { return ToLower(one) == lower; };
  return std::any_of(StateWords().begin(), StateWords().end(), is) || is("Terminating") ||
         std::any_of(kResults.begin(), kResults.end(),
                     [&](const Translation& row) { return is(row.phase); });
}

bool FitsState(std::string_view column, std::string_view cell, std::string_view wanted) {
  const std::string want = ToLower(wanted);
  const std::string said = ToLower(cell);
  const auto named = std::find_if(kYesNo.begin(), kYesNo.end(),
                                  [&](const YesNo& row) { return row.column == ToLower(column); });
  if (named != kYesNo.end()) {
    return want == ToLower(said == "true" ? named->yes : named->no);
  }
  return want == said || want == ToLower(ResultWord(cell));
}

}  // namespace midwatch::cli
