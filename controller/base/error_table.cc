#include "controller/base/error_table.h"

#include <array>

namespace midwatch {
namespace {

using enum ErrorCode;
using enum RetryClass;

// In the order of ErrorCode, so that a code is its own index. A status that several rows share maps
// back to the first of them.
constexpr std::array kRows = {
    ErrorRow{kInvalid, 422, "Invalid", kNever},
    ErrorRow{kBadRequest, 400, "BadRequest", kNever},
    ErrorRow{kNotFound, 404, "NotFound", kNever},
    ErrorRow{kAlreadyExists, 409, "AlreadyExists", kReadFirst},
    ErrorRow{kConflict, 409, "Conflict", kReadFirst},
    ErrorRow{kExpired, 410, "Expired", kReadFirst},
    ErrorRow{kForbidden, 403, "Forbidden", kBackoff},
    ErrorRow{kUnauthorized, 401, "Unauthorized", kBackoff},
    ErrorRow{kMethodNotAllowed, 405, "MethodNotAllowed", kNever},
    ErrorRow{kNotAcceptable, 406, "NotAcceptable", kNever},
    ErrorRow{kUnsupportedMediaType, 415, "UnsupportedMediaType", kNever},
    ErrorRow{kTooLarge, 413, "RequestEntityTooLarge", kNever},
    ErrorRow{kTooManyRequests, 429, "TooManyRequests", kBackoff},
    ErrorRow{kTimeout, 504, "Timeout", kBackoff},
    ErrorRow{kUnavailable, 503, "ServiceUnavailable", kBackoff},
    ErrorRow{kInsufficientStorage, 507, "InsufficientStorage", kBackoff},
    ErrorRow{kInternal, 500, "InternalError", kBackoff},
    ErrorRow{kOutcomeUnknown, 500, "OutcomeUnknown", kReadFirst},
};

constexpr bool IndexedByCode() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].code) != i) {
      return false;
    }
  }
  return kRows.size() == static_cast<std::size_t>(kOutcomeUnknown) + 1;
}
static_assert(IndexedByCode(), "every ErrorCode has its row, in order");

}  // namespace

const ErrorRow& RowOf(ErrorCode code) { return kRows.at(static_cast<std::size_t>(code)); }

std::optional<ErrorCode> CodeOf(int http_status, std::string_view reason) {
  if (http_status >= 200 && http_status < 300) {
    return std::nullopt;
  }
  for (const ErrorRow& row : kRows) {
    if (row.reason == reason) {
      return row.code;
    }
  }
  for (const ErrorRow& row : kRows) {
    if (row.http_status == http_status) {
      return row.code;
    }
  }
  return http_status >= 500 ? kUnavailable : kBadRequest;
}

}  // namespace midwatch
