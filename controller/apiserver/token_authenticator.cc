#include "controller/apiserver/token_authenticator.h"

#include <algorithm>
#include <utility>

#include "controller/apiserver/core_rules.h"
#include "controller/base/digest.h"
#include "controller/base/encoding.h"
#include "controller/base/text.h"
#include "controller/object/name_rules.h"

namespace midwatch::apiserver {
namespace {

constexpr std::string_view kAgents = "agents.midwatch.dev";
constexpr std::string_view kPrefix = "mwa_";
constexpr std::string_view kSecretName = "agent-token-";
constexpr std::size_t kIdLength = 12;
constexpr int kTokenWords = 4;  ///< Of 64 random bits each.

std::string HexWord(std::uint64_t word) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = out.size(); i-- > 0; word >>= 4) {
    out[i] = kDigits[word & 15U];
  }
  return out;
}

/// The id of a token that has the form of ours, or an empty text.
std::string_view IdOf(std::string_view token) {
  if (!token.starts_with(kPrefix)) {
    return {};
  }
  const std::string_view id = token.substr(kPrefix.size(), kIdLength);
  const bool fits = id.size() == kIdLength && token.size() > kPrefix.size() + kIdLength &&
                    token[kPrefix.size() + kIdLength] == '_' &&
                    std::all_of(id.begin(), id.end(), [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
                    });
  return fits ? id : std::string_view();
}

std::string Field(const Json& secret, std::string_view name) {
  return Base64Decode(secret.At("data", name).AsString()).value_or(std::string());
}

tl::unexpected<Error> Unauthorized() { return Fail(ErrorCode::kUnauthorized, "Unauthorized"); }

}  // namespace

IssuedToken IssueAgentToken(const TokenSubject& agent, Random& random) {
  const std::string id = random.NameSuffix(kIdLength);
  std::string token = std::string(kPrefix) + id + "_";
  for (int i = 0; i < kTokenWords; ++i) {
    token += HexWord(random.Next());
  }
  Json metadata =
      Json::Of({{"name", std::string(kSecretName) + id}, {"namespace", kTokenNamespace}});
  if (!CheckLabelValue(agent.name)) {  // A longer name stands in the data alone.
    metadata.Set("labels", Json::Of({{"midwatch.dev/agent", agent.name}}));
  }
  Json secret = Json::Of({{"apiVersion", "v1"},
                          {"kind", "Secret"},
                          {"type", kAgentTokenType},
                          {"metadata", std::move(metadata)},
                          {"data", Json::Of({{"hash", Base64Encode(Sha256Hex(token))},
                                             {"namespace", Base64Encode(agent.namespace_name)},
                                             {"agent", Base64Encode(agent.name)},
                                             {"uid", Base64Encode(agent.uid)}})}});
  return {Secret<std::string>(std::move(token)), std::move(secret)};
}

TokenAuthenticator::TokenAuthenticator(const Storage& storage, const ResourceRegistry& registry,
                                       const Secret<std::string>& administrator)
    : storage_(storage),
      secrets_(registry.FindResource(kSecrets)),
      agents_(registry.FindResource(kAgents)),
      administrator_hash_(administrator.Reveal().empty() ? std::string()
                                                         : Sha256Hex(administrator.Reveal())) {}

Result<Identity> TokenAuthenticator::Authenticate(std::string_view authorization) const {
  if (authorization.empty()) {
    return Identity::Anonymous();
  }
  constexpr std::string_view kScheme = "bearer ";
  if (ToLower(authorization.substr(0, kScheme.size())) != kScheme) {
    return Unauthorized();
  }
  const std::string_view token = Trim(authorization.substr(kScheme.size()));
  const std::string hash = Sha256Hex(token);
  if (!administrator_hash_.empty() && ConstantTimeEquals(hash, administrator_hash_)) {
    return Identity::Administrator();
  }
  const std::string_view id = IdOf(token);
  const VersionPtr secret =
      id.empty() || secrets_ == nullptr || agents_ == nullptr
          ? nullptr
          : storage_.Find(*secrets_, kTokenNamespace, std::string(kSecretName) + std::string(id));
  if (secret == nullptr) {
    return Unauthorized();
  }
  const Json body = secret->object().Body();
  const std::string agent_namespace = Field(body, "namespace");
  const std::string agent = Field(body, "agent");
  if (body.At("type").AsString() != kAgentTokenType || agent_namespace.empty() || agent.empty() ||
      !ConstantTimeEquals(hash, Field(body, "hash"))) {
    return Unauthorized();
  }
  const VersionPtr standing = storage_.Find(*agents_, agent_namespace, agent);
  if (standing == nullptr || standing->object().uid() != Field(body, "uid")) {
    return Unauthorized();
  }
  return Identity::Agent(agent_namespace, agent, standing->object().uid());
}

}  // namespace midwatch::apiserver
