#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the process when a condition that the programmer guarantees does not hold. Never for
/// anything that comes from outside.
#define MIDWATCH_CHECK(condition)                                                        \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)
