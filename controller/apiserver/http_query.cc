#include "controller/apiserver/http_query.h"

#include <charconv>

#include "controller/base/encoding.h"
#include "controller/base/text.h"

namespace midwatch::apiserver {

Result<HttpQuery> HttpQuery::Parse(std::string_view text) {
  HttpQuery query;
  for (const std::string_view part : Split(text, '&')) {
    if (part.empty()) {
      continue;
    }
    const std::size_t equals = part.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    MIDWATCH_ASSIGN(std::string name, PercentDecode(part.substr(0, equals), true));
    MIDWATCH_ASSIGN(std::string decoded, PercentDecode(value, true));
    query.parameters_.emplace_back(std::move(name), std::move(decoded));
  }
  return query;
}

bool HttpQuery::Has(std::string_view name) const {
  for (const auto& [each, value] : parameters_) {
    if (each == name) {
      return true;
    }
  }
  return false;
}

const std::string& HttpQuery::Get(std::string_view name) const {
  static const std::string kEmpty;
  for (const auto& [each, value] : parameters_) {
    if (each == name) {
      return value;
    }
  }
  return kEmpty;
}

bool HttpQuery::Flag(std::string_view name) const {
  const std::string value = ToLower(Get(name));
  return Has(name) && value != "0" && value != "false";
}

Result<std::int64_t> HttpQuery::Number(std::string_view name) const {
  const std::string& text = Get(name);
  std::int64_t value = 0;
  if (text.empty()) {
    return value;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
    return Fail(ErrorCode::kBadRequest, std::string(name) + ": invalid value " + Quote(text) +
                                            ": expected a number that is not negative");
  }
  return value;
}

}  // namespace midwatch::apiserver
