#include "controller/git/libgit2_handles.h"

#include <charconv>
#include <optional>

#include "controller/base/error_table.h"
#include "controller/base/text.h"

namespace midwatch::git {
namespace {

constexpr std::size_t kMaxDetail = 512;

std::optional<int> HttpStatusIn(std::string_view message) {
  constexpr std::string_view kMark = "unexpected http status code: ";
  const std::size_t at = message.find(kMark);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view digits = message.substr(at + kMark.size());
  int status = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), status);
  return status;
}

ErrorCode CodeOfHttpStatus(int status) {
  if (status >= 500) {
    return ErrorCode::kUnavailable;
  }
  return CodeOf(status, "").value_or(ErrorCode::kUnavailable);
}

ErrorCode CodeOfFailure(int code, int klass, std::string_view message) {
  if (message.find("No space left on device") != std::string_view::npos) {
    return ErrorCode::kInsufficientStorage;
  }
  if (message.find("File too large") != std::string_view::npos || klass == GIT_ERROR_NOMEMORY) {
    return ErrorCode::kTooLarge;
  }
  if (const std::optional<int> status = HttpStatusIn(message)) {
    return CodeOfHttpStatus(*status);
  }
  switch (code) {
    case GIT_EAUTH:
      return ErrorCode::kUnauthorized;
    case GIT_EOWNER:
      return ErrorCode::kForbidden;
    case GIT_ENOTFOUND:
      return ErrorCode::kNotFound;
    case GIT_ECERTIFICATE:
      return ErrorCode::kUnavailable;
    case GIT_EINVALIDSPEC:
      return ErrorCode::kInvalid;
    default:
      break;
  }
  const bool network = klass == GIT_ERROR_NET || klass == GIT_ERROR_HTTP || klass == GIT_ERROR_SSL;
  return network ? ErrorCode::kUnavailable : ErrorCode::kInternal;
}

}  // namespace

std::string IdText(const git_oid& id) {
  char text[GIT_OID_HEXSZ + 1];
  git_oid_tostr(text, sizeof text, &id);
  return text;
}

Result<git_oid> ParseId(std::string_view text) {
  git_oid id;
  if (text.size() != GIT_OID_HEXSZ || git_oid_fromstrn(&id, text.data(), text.size()) != 0) {
    return Fail(ErrorCode::kInvalid, Quote(text) + " is not a full SHA-1 commit id");
  }
  return id;
}

Error LastGitError(int libgit2_code, std::string_view doing) {
  const git_error* last = git_error_last();
  const std::string_view detail =
      last != nullptr && last->message != nullptr ? last->message : "unknown error";
  const int klass = last != nullptr ? last->klass : GIT_ERROR_NONE;
  Error error{.code = CodeOfFailure(libgit2_code, klass, detail), .message = std::string(doing)};
  error.message.append(": ").append(Utf8Prefix(detail, kMaxDetail));
  git_error_clear();
  return error;
}

}  // namespace midwatch::git
