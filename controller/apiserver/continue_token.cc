#include "controller/apiserver/continue_token.h"

#include <algorithm>

#include "controller/base/encoding.h"
#include "controller/object/json.h"

namespace midwatch::apiserver {
namespace {

constexpr std::string_view kForm = "meta.k8s.io/v1";

tl::unexpected<Error> NotValid() {
  return Fail(ErrorCode::kBadRequest, "invalid continue token: continue key is not valid");
}

}  // namespace

std::string ContinueToken::Encode() const {
  const std::string start = namespace_name + "/" + name + '\0';
  Json token = Json::Of({{"v", kForm}, {"rv", revision}, {"start", start}});
  if (left) {
    token.Set("left", *left);
  }
  std::string text = Base64Encode(token.Dump());
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

Result<ContinueToken> ContinueToken::Decode(std::string_view text) {
  std::string standard(text);
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  standard.append((4 - standard.size() % 4) % 4, '=');
  const auto decoded = Base64Decode(standard);
  const auto token = decoded ? ParseJson(*decoded) : Result<Json>(NotValid());
  if (!token || token->At("v").AsString() != kForm || !token->At("rv").IsInt()) {
    return NotValid();
  }
  const std::string& start = token->At("start").AsString();
  const std::size_t slash = start.find('/');
  if (slash == std::string::npos || start.empty() || start.back() != '\0') {
    return NotValid();
  }
  const Json& left = token->At("left");
  return ContinueToken{.revision = token->At("rv").AsInt(),
                       .namespace_name = start.substr(0, slash),
                       .name = start.substr(slash + 1, start.size() - slash - 2),
                       .left = left.IsInt() ? std::optional(left.AsInt()) : std::nullopt};
}

}  // namespace midwatch::apiserver
