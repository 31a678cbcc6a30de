#pragma once

#include <cstddef>
#include <functional>

namespace midwatch::cmd {

/// Calls `body(i)` for each i below `count` on as many threads as the machine has cores, this one
/// included, and returns when all have returned. Small counts stay on this thread.
void InParallel(std::size_t count, const std::function<void(std::size_t)>& body);

}  // namespace midwatch::cmd
