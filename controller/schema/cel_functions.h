#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "controller/base/result.h"
#include "controller/schema/cel_value.h"

namespace midwatch::schema {

/// A function that expressions may call. `call` gets the receiver first and between `min_args` and
/// `max_args` values; wrong types are its own to refuse.
struct CelFunction {
  std::string_view name;
  bool receiver;         ///< `x.f(…)`; else `f(…)`.
  std::size_t min_args;  ///< Receiver included.
  std::size_t max_args;
  bool walks;  ///< Its cost grows with each byte or item of its first argument.
  Result<CelValue> (*call)(std::span<const CelValue> args);
};

/// The function of that name and style, or nullptr.
const CelFunction* FindCelFunction(std::string_view name, bool receiver);

/// The error of an operation that does not exist for these types.
tl::unexpected<Error> NoSuchOverload(std::string_view what, std::span<const CelValue> args);

/// -1, 0 or 1; nothing if the two have no order (other types, NaN).
std::optional<int> CompareCel(const CelValue& a, const CelValue& b);

/// Equality of scalars; numbers of both types compare by value. False for other types.
bool EqualScalars(const CelValue& a, const CelValue& b);

}  // namespace midwatch::schema
