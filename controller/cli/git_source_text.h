#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/api/git_source.h"
#include "controller/cli/style.h"

namespace midwatch::cli {

/// As long as the controller writes it in its messages.
std::string ShortRevision(std::string_view revision);

/// Null if there is none of that type.
const api::Condition* FindCondition(const api::GitSource& source, std::string_view type);

enum class Refused : std::uint8_t { kNothing, kPart, kAll };
/// How much of the attempted revision its errors keep from being in force. They stay in the status
/// while a source cannot be read or is suspended, but are not what stands in the way then.
Refused WhatIsRefused(const api::GitSource& source);

/// The first errors, a line each, and how many more there are.
std::string ShowSyncErrors(const api::GitSourceStatus& status, std::size_t most,
                           const Style& style);

/// Lines that tell which revision is in force since when, what is wrong with a newer one, and what
/// becomes of the objects when the source is deleted.
std::string TellSource(const api::GitSource& source, const Style& style, WallTime now);

/// What its deletion does to the objects in its inventory: `its 11 objects stay`. Empty if there
/// are none.
std::string TellDeletion(const api::GitSource& source);

}  // namespace midwatch::cli
