#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace midwatch {

/// Why an operation failed. Closed on purpose: adding one means deciding its
/// HTTP status, its Kubernetes reason and how it is retried (error_table.cc).
enum class ErrorCode : std::uint8_t {
  kInvalid,     ///< Well-formed, but breaks a rule (422 Invalid).
  kBadRequest,  ///< Cannot be understood at all (400 BadRequest).
  kNotFound,
  kAlreadyExists,
  kConflict,  ///< A precondition failed: read again, decide again.
  kExpired,   ///< The resourceVersion is older than the change log: list again.
  kForbidden,
  kUnauthorized,
  kMethodNotAllowed,
  kNotAcceptable,
  kUnsupportedMediaType,
  kTooLarge,
  kTooManyRequests,
  kTimeout,
  kUnavailable,
  kInsufficientStorage,
  kInternal,
  kOutcomeUnknown,  ///< The write may have happened: read before deciding anything.
};

/// What went wrong, for people. The message starts in lower case, names the field path first,
/// quotes the value and says what was expected. It never contains a secret.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string details = {};  ///< Serialised Kubernetes `Status.details`, or empty.

  friend bool operator==(const Error&, const Error&) = default;
};

/// A value or an Error. Errors are values: nothing in Midwatch throws across a function of its own.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

/// The Error side of a Result: `return Fail(ErrorCode::kNotFound, "module \"x\" not found");`.
inline tl::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return tl::make_unexpected(Error{code, std::move(message)});
}
inline tl::unexpected<Error> Fail(Error error) { return tl::make_unexpected(std::move(error)); }

}  // namespace midwatch

#define MIDWATCH_CONCAT_INNER(a, b) a##b
#define MIDWATCH_CONCAT(a, b) MIDWATCH_CONCAT_INNER(a, b)

/// Returns the Error of `expression` from the enclosing function, if it has one.
#define MIDWATCH_TRY(expression)                                        \
  do {                                                                  \
    if (auto midwatch_result = (expression); !midwatch_result) {        \
      return ::tl::make_unexpected(std::move(midwatch_result).error()); \
    }                                                                   \
  } while (false)

/// Declares or assigns `target` from the value of `expression`, or returns its Error.
#define MIDWATCH_ASSIGN(target, expression) \
  MIDWATCH_ASSIGN_INNER(MIDWATCH_CONCAT(midwatch_result_, __LINE__), target, expression)
#define MIDWATCH_ASSIGN_INNER(result, target, expression)    \
  auto result = (expression);                                \
  if (!(result)) {                                           \
    return ::tl::make_unexpected(std::move(result).error()); \
  }                                                          \
  target = std::move(*(result))
