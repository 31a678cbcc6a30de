#include "controller/artifacts/limits.h"

#include <string>

#include "controller/base/digest.h"
#include "controller/base/text.h"

namespace midwatch::artifacts {
namespace {

bool IsLetterOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsSegment(std::string_view segment) {
  if (segment.empty() || !IsLetterOrDigit(segment.front())) {
    return false;
  }
  for (const char c : segment) {
    if (!IsLetterOrDigit(c) && c != '-' && c != '.') {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<void> CheckLogName(std::string_view name) {
  bool good = !name.empty() && name.size() <= kMaxLogName;
  for (const std::string_view segment : Split(name, '/')) {
    good = good && IsSegment(segment);
  }
  if (!good) {
    return Fail(ErrorCode::kInvalid,
                "log: " + Quote(Utf8Prefix(name, kMaxLogName)) +
                    " is no name of a log, expected segments like \"runs/payments/fix-1\"");
  }
  return {};
}

Result<void> CheckDigest(std::string_view digest) {
  if (!IsDigest(digest)) {
    return Fail(ErrorCode::kInvalid, "digest: " + Quote(Utf8Prefix(digest, 100)) +
                                         " is no digest, expected \"sha256:\" and 64 digits");
  }
  return {};
}

}  // namespace midwatch::artifacts
