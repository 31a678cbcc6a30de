#include "controller/env/http_handler.h"

#include "controller/base/text.h"

namespace midwatch {

std::string_view HttpRequest::Header(std::string_view name) const {
  const std::string wanted = ToLower(name);
  for (const auto& [header, value] : headers) {
    if (header.size() == wanted.size() && ToLower(header) == wanted) {
      return value;
    }
  }
  return {};
}

}  // namespace midwatch
