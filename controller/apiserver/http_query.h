#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/base/result.h"

namespace midwatch::apiserver {

/// The parameters of a request target, decoded.
class HttpQuery {
 public:
  /// Of the text behind `?`. kBadRequest: an escape is broken.
  static Result<HttpQuery> Parse(std::string_view text);

  bool Has(std::string_view name) const;
  /// The first value of that name, or an empty text.
  const std::string& Get(std::string_view name) const;
  /// As apimachinery reads booleans: absent, `0` and `false` are false, all else is true.
  bool Flag(std::string_view name) const;
  /// A decimal number that is not negative; 0 if absent. kBadRequest otherwise.
  Result<std::int64_t> Number(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace midwatch::apiserver
