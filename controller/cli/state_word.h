#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/api/dispatch.h"
#include "controller/cli/style.h"

namespace midwatch::cli {

/// What people are told of a phase or state, the same on every list: Running, Success, Failed or
/// Cancelled, and of what has not begun Pending or Parked. Any other word is itself.
std::string_view ResultWord(std::string_view phase);

/// ResultWord in its colour.
std::string ShowState(std::string_view phase, const Style& style);

/// The colour of a word that says how something stands (`Failed`, `Parked`, `Ready`); kNone for any
/// other.
Colour ColourOfState(std::string_view word);

/// What `midwatch why` of a Dispatch says, for a hint: ` says how it ended`.
std::string_view WhatWhySays(api::DispatchPhase phase);

/// The words of `--state`, as they are told to people.
const std::vector<std::string>& StateWords();
/// Whether `--state` takes it, case ignored: one of StateWords, or the exact word of the API.
bool IsStateWord(std::string_view word);

/// Whether a cell of a column that says how something stands fits `--state`, case ignored. The
/// words of `Ready: True` are Ready and NotReady, those of other columns accordingly.
bool FitsState(std::string_view column, std::string_view cell, std::string_view wanted);

}  // namespace midwatch::cli
