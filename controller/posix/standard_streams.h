#pragma once

#include <functional>
#include <string_view>

namespace midwatch::posix {

/// Reads standard input until it ends and gives each piece to `take`; ends earlier if that says
/// false.
void ReadInput(const std::function<bool(std::string_view)>& take);

/// Writes everything to standard output. False: nobody reads it any more.
bool WriteOutput(std::string_view bytes);

}  // namespace midwatch::posix
