#pragma once

#include <string>
#include <string_view>

#include "controller/apiserver/identity.h"
#include "controller/apiserver/storage.h"
#include "controller/base/secret.h"
#include "controller/env/random.h"

namespace midwatch::apiserver {

/// Where the hashes of tokens are kept, as Secrets of this type.
inline constexpr std::string_view kTokenNamespace = "midwatch-system";
inline constexpr std::string_view kAgentTokenType = "midwatch.dev/agent-token";

/// A token as it is handed out, once, and the Secret that is stored in its place.
struct IssuedToken {
  Secret<std::string> token;  ///< `mwa_<id>_<random>`
  Json secret;                ///< To be created in kTokenNamespace; holds a hash and who it is for.
};

/// The Agent that a token is for: this one, not another that gets its name later.
struct TokenSubject {
  std::string namespace_name;
  std::string name;
  std::string uid;
};

/// A token for the processes of an Agent: 256 random bits.
IssuedToken IssueAgentToken(const TokenSubject& agent, Random& random);

/// Tells who a bearer token belongs to. Only hashes are kept, compared in constant time; deleting
/// the Secret, or the Agent, revokes the token at once. Thread-safe.
class TokenAuthenticator {
 public:
  /// `administrator`: the token of the data directory. The storage outlives it.
  TokenAuthenticator(const Storage& storage, const ResourceRegistry& registry,
                     const Secret<std::string>& administrator);

  /// Of the value of an `Authorization` header. None: anonymous. kUnauthorized: not a bearer token,
  /// or one that nobody was given.
  Result<Identity> Authenticate(std::string_view authorization) const;

 private:
  const Storage& storage_;
  const ResourceInfo* secrets_;
  const ResourceInfo* agents_;
  std::string administrator_hash_;
};

}  // namespace midwatch::apiserver
