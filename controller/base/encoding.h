#pragma once

#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace midwatch {

/// RFC 4648 section 4, with padding.
std::string Base64Encode(std::string_view bytes);
/// Strict: padding and alphabet must be right; line breaks are refused.
Result<std::string> Base64Decode(std::string_view text);

/// RFC 3986 percent-encoding of everything but unreserved characters, for path segments and query
/// values.
std::string PercentEncode(std::string_view text);
/// `plus_is_space` as in query strings.
Result<std::string> PercentDecode(std::string_view text, bool plus_is_space);

}  // namespace midwatch
