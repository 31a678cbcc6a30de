#include "controller/cmd/artifact_rights.h"

#include <algorithm>
#include <string>
#include <utility>

#include "controller/api/codec.h"
#include "controller/api/run.h"
#include "controller/base/text.h"

namespace midwatch::cmd {
namespace {

using apiserver::Identity;
using artifacts::ArtifactAccess;

/// A Run of the Agent itself; kForbidden, kNotFound otherwise.
Result<api::Run> ReadRun(const apiserver::Api& api, const Identity& identity,
                         const std::string& name) {
  apiserver::GetCall call{.identity = identity,
                          .target = {.resource = api.registry().Find(api::Run::Type()),
                                     .namespace_name = identity.agent_namespace,
                                     .name = name}};
  MIDWATCH_ASSIGN(const apiserver::VersionPtr version, api.Get(call));
  return api::FromObject<api::Run>(version->object());
}

bool Mentions(const api::Run& run, const std::string& digest) {
  const auto is_it = [&](const api::Artifact& artifact) { return artifact.digest == digest; };
  const auto& status = run.status;
  return std::any_of(run.spec.inputs.begin(), run.spec.inputs.end(), is_it) ||
         std::any_of(status.artifacts.begin(), status.artifacts.end(), is_it) ||
         (status.result && status.result->digest == digest) ||
         (status.session_log && status.session_log->digest == digest);
}

/// True if one of the Agent's Runs may read the content.
bool AnyRunMentions(const apiserver::Api& api, const Identity& identity,
                    const std::string& digest) {
  apiserver::ListCall call{.identity = identity,
                           .target = {.resource = api.registry().Find(api::Run::Type()),
                                      .namespace_name = identity.agent_namespace},
                           .field_selector = "spec.agentRef.name=" + identity.agent_name};
  const auto runs = api.List(call);
  if (!runs) {
    return false;
  }
  return std::any_of(runs->items.begin(), runs->items.end(), [&](const auto& version) {
    const auto run = api::FromObject<api::Run>(version->object());
    return run && Mentions(*run, digest);
  });
}

Result<void> Allow(const apiserver::Api& api, const Identity& identity,
                   const ArtifactAccess& access) {
  if (identity.IsAdministrator()) {
    return {};
  }
  const auto refused = Fail(ErrorCode::kForbidden, identity.username + " may not do that");
  if (identity.kind != Identity::Kind::kAgent) {
    return refused;
  }
  if (!access.log.empty()) {
    // A session log is named by its Run: `runs/NAMESPACE/NAME`.
    const auto parts = Split(access.log, '/');
    if (parts.size() != 3 || parts[0] != "runs" || parts[1] != identity.agent_namespace) {
      return refused;
    }
    MIDWATCH_TRY(ReadRun(api, identity, std::string(parts[2])));
    return {};
  }
  if (access.verb == ArtifactAccess::Verb::kWrite) {
    return {};
  }
  if (!AnyRunMentions(api, identity, access.digest)) {
    return refused;
  }
  return {};
}

}  // namespace

artifacts::ArtifactAuthorizer MakeArtifactAuthorizer(const apiserver::Api& api,
                                                     const apiserver::TokenAuthenticator& tokens) {
  return [&api, &tokens](const ArtifactAccess& access, std::function<void(Result<void>)> done) {
    const auto identity = tokens.Authenticate(access.authorization);
    done(identity ? Allow(api, *identity, access) : Result<void>(Fail(identity.error())));
  };
}

}  // namespace midwatch::cmd
