#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "controller/base/result.h"

namespace midwatch {

/// How a failed operation is tried again.
enum class RetryClass : std::uint8_t {
  kNever,      ///< Another try gives the same answer until an input changes.
  kBackoff,    ///< Try again, each time later.
  kReadFirst,  ///< Read the object again before deciding anything.
};

/// What an ErrorCode means to the outside: one row per code.
struct ErrorRow {
  ErrorCode code;
  int http_status;
  std::string_view reason;  ///< Kubernetes StatusReason (apimachinery/pkg/apis/meta/v1).
  RetryClass retry;
};

/// The row of a code. Total: every code has one.
const ErrorRow& RowOf(ErrorCode code);

/// The code for an answer of a Kubernetes API server. The reason decides where it is known, the
/// HTTP status otherwise; 2xx has none.
std::optional<ErrorCode> CodeOf(int http_status, std::string_view reason);

}  // namespace midwatch
