#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace midwatch::schema {

enum class CelTokenKind : std::uint8_t { kEnd, kName, kInt, kDouble, kString, kSymbol };

struct CelToken {
  CelTokenKind kind = CelTokenKind::kEnd;
  std::size_t offset = 0;  ///< Of its first byte.
  std::string text;        ///< Name, symbol or digits as written; of a string its value.
};

/// The tokens of an expression, an end token last. Lexis of cel-spec, `langdef.md`, without bytes
/// and unsigned integers.
Result<std::vector<CelToken>> LexCel(std::string_view expression);

/// kInvalid: `column 7: message`.
tl::unexpected<Error> CelSyntaxError(std::size_t offset, std::string_view message);

}  // namespace midwatch::schema
