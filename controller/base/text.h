#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace midwatch {

std::vector<std::string_view> Split(std::string_view text, char separator);
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view Trim(std::string_view text);  ///< Without leading and trailing ASCII white space.
std::string ToLower(std::string_view text);    ///< ASCII only.

/// The text in double quotes with `"`, `\` and control characters escaped: how messages show
/// values.
std::string Quote(std::string_view text);

/// The candidate that is most like `word` (Damerau-Levenshtein distance of at most a third of its
/// length, at least 1, case ignored), for "did you mean". None if nothing is near.
std::optional<std::string_view> NearestWord(std::string_view word,
                                            const std::vector<std::string_view>& candidates);

/// Byte offset of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7), or
/// none.
std::optional<std::size_t> FindInvalidUtf8(std::string_view text);

/// At most `limit` bytes of the text, cut at a UTF-8 border.
std::string_view Utf8Prefix(std::string_view text, std::size_t limit);

}  // namespace midwatch
