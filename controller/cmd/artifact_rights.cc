#include "controller/cmd/artifact_rights.h"

#include <algorithm>
#include <string>

#include "controller/api/codec.h"
#include "controller/api/run.h"
#include "controller/api/run_ending.h"
#include "controller/base/text.h"

namespace midwatch::cmd {
namespace {

using apiserver::Identity;
using artifacts::ArtifactAccess;
using Verb = ArtifactAccess::Verb;

tl::unexpected<Error> Refused(const Identity& identity) {
  return Fail(ErrorCode::kForbidden, identity.username + " may not do that");
}

/// Whose an upload is: one made again under the name of another Agent is not that one.
std::string OwnerOf(const Identity& agent) { return agent.username + ":" + agent.agent_uid; }

bool HasStopped(const Object& object) {
  const auto run = api::FromObject<api::Run>(object);
  return run && api::HasEnded(run->status.phase) && run->status.sidecar_stopped;
}

bool HasInput(const Object& object, const std::string& digest) {
  if (object.bytes().find(digest) == std::string::npos) {
    return false;  // Most of them, without parsing.
  }
  const auto run = api::FromObject<api::Run>(object);
  return run && std::any_of(run->spec.inputs.begin(), run->spec.inputs.end(),
                            [&](const api::Artifact& input) { return input.digest == digest; });
}

}  // namespace

std::vector<apiserver::VersionPtr> ArtifactRights::RunsOf(const Identity& identity,
                                                          const std::string& selected) const {
  const auto runs =
      api_.List({.identity = identity,
                 .target = {.resource = api_.registry().Find(api::Run::Type()),
                            .namespace_name = identity.agent_namespace},
                 .field_selector = "spec.agentRef.name=" + identity.agent_name + selected});
  return runs ? runs->items : std::vector<apiserver::VersionPtr>();
}

/// True if that is so of one of the Agent's Runs. Those under way, which are nearly always asked
/// about, are looked at first: there may be very many others.
template <typename Predicate>
bool ArtifactRights::AnyRun(const Identity& identity, Predicate fits) const {
  const auto any_of = [&](const std::string& selected) {
    const auto runs = RunsOf(identity, selected);
    return std::any_of(runs.begin(), runs.end(),
                       [&](const auto& version) { return fits(version->object()); });
  };
  return any_of(api::AndNotEnded()) || any_of({});
}

Result<void> ArtifactRights::CheckUpload(const Identity& identity,
                                         const ArtifactAccess& access) const {
  std::vector<std::string> under_way;
  for (const auto& version : RunsOf(identity, api::AndNotEnded())) {
    under_way.push_back(version->object().uid());
  }
  if (under_way.empty()) {
    return Refused(identity);
  }
  if (access.bytes > 0 &&
      !uploads_.Take(OwnerOf(identity), under_way, access.digest, access.bytes)) {
    return Fail(ErrorCode::kForbidden,
                "the Runs of this Agent that are under way have uploaded what they may: " +
                    std::to_string(artifacts::kMaxUploadBytesPerRun) + " bytes each");
  }
  return {};
}

/// A session log is named by its Run: `runs/NAMESPACE/NAME`.
/// It is complete when the Run is.
Result<void> ArtifactRights::CheckLog(const Identity& identity,
                                      const ArtifactAccess& access) const {
  const auto parts = Split(access.log, '/');
  if (parts.size() != 3 || parts[0] != "runs" || parts[1] != identity.agent_namespace) {
    return Refused(identity);
  }
  MIDWATCH_ASSIGN(const auto run,
                  api_.Get({.identity = identity,
                            .target = {.resource = api_.registry().Find(api::Run::Type()),
                                       .namespace_name = identity.agent_namespace,
                                       .name = std::string(parts[2])}}));
  const bool may = access.verb != Verb::kWrite || !HasStopped(run->object());
  return may ? Result<void>() : Refused(identity);
}

Result<void> ArtifactRights::CheckAgent(const Identity& identity,
                                        const ArtifactAccess& access) const {
  if (access.verb == Verb::kSearch) {
    return Refused(identity);
  }
  if (!access.log.empty()) {
    return CheckLog(identity, access);
  }
  if (access.verb == Verb::kWrite) {
    return CheckUpload(identity, access);
  }
  const bool may =
      store_.HasUploaded(OwnerOf(identity), access.digest) ||
      AnyRun(identity, [&](const Object& run) { return HasInput(run, access.digest); });
  return may ? Result<void>() : Refused(identity);
}

Result<void> ArtifactRights::Check(const ArtifactAccess& access) const {
  MIDWATCH_ASSIGN(const Identity identity, tokens_.Authenticate(access.authorization));
  switch (identity.kind) {
    case Identity::Kind::kAdministrator:
      return {};
    case Identity::Kind::kAgent:
      return CheckAgent(identity, access);
    case Identity::Kind::kAnonymous:
      break;
  }
  return Fail(ErrorCode::kUnauthorized, "Unauthorized");
}

void ArtifactRights::NoteUpload(const ArtifactAccess& access) const {
  const auto identity = tokens_.Authenticate(access.authorization);
  if (identity && identity->kind == Identity::Kind::kAgent) {
    // Without the note the Agent may not read it: it can upload it again.
    (void)store_.NoteUpload(OwnerOf(*identity), access.digest);
  }
}

}  // namespace midwatch::cmd
