#include "controller/reconcilers/gitsource/git_fetch_operation.h"

#include <utility>

#include "controller/api/core.h"
#include "controller/base/check.h"
#include "controller/base/encoding.h"
#include "controller/base/text.h"
#include "controller/reconcilers/gitsource/snapshot_loader.h"

namespace midwatch::gitsource {
namespace {

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// A value of a Secret. Errors name the key, never the value.
Result<std::string> ValueOf(const Json& secret, std::string_view key) {
  Result<std::string> value = Base64Decode(secret.At("data", key).AsString());
  if (!value) {
    return Fail(ErrorCode::kInvalid, "spec.secretRef: data[" + Quote(key) + "] is not base64");
  }
  return value;
}

void AppendBlobs(const Snapshot& known, std::string& out) {
  out.reserve(known.files.size() * kBlobIdLength);
  for (const auto& file : known.files) {
    out += file->blob;
  }
}

Result<void> AddLogin(const Json& secret, GitRemote& remote) {
  MIDWATCH_ASSIGN(remote.username, ValueOf(secret, "username"));
  MIDWATCH_ASSIGN(std::string password, ValueOf(secret, "password"));
  remote.password = Secret<std::string>(std::move(password));
  MIDWATCH_ASSIGN(remote.ca_pem, ValueOf(secret, "ca.crt"));
  return {};
}

}  // namespace

GitFetchOperation::GitFetchOperation(Ports ports)
    : ports_(std::move(ports)), inbox_(std::make_shared<Inbox<Item>>(ports_.waker)) {}

GitFetchOperation::~GitFetchOperation() { inbox_->Close(); }

void GitFetchOperation::Start(std::string name, Json spec, Done done) {
  inbox_->Push(Asked{std::move(name), FetchSpecFromJson(spec), std::move(done)});
}

bool GitFetchOperation::Step(Now now) {
  std::optional<Item> item = inbox_->Take();
  if (!item) {
    return false;
  }
  std::visit([&](auto& it) { On(std::move(it), now); }, *item);
  return true;
}

void GitFetchOperation::On(Asked asked, Now now) {
  if (asked.spec.forget) {
    Forget(asked);
    return;
  }
  const auto [at, added] = running_.try_emplace(asked.name);
  Running& running = at->second;
  running.done.push_back(std::move(asked.done));
  if (!added) {
    return;
  }
  running.spec = std::move(asked.spec);
  running.started = now.mono;
  const FetchSpec& spec = running.spec;
  running.remote.url = spec.url;
  running.remote.ref_kind = spec.ref_kind;
  running.remote.ref = spec.ref;
  running.remote.path = spec.path;
  running.before = ports_.cache.Find(spec.Source());
  if (running.before != nullptr && running.before->fingerprint != spec.Fingerprint()) {
    running.before = nullptr;
  }
  if (spec.secret.empty()) {
    Fetch(asked.name, running, running.before ? running.before->snapshot.get() : nullptr);
    return;
  }
  ports_.client.Get({api::Secret::Type(), spec.namespace_name, spec.secret},
                    [inbox = inbox_, name = asked.name](Result<Object> secret) {
                      inbox->Push(SecretRead{name, std::move(secret)});
                    });
}

void GitFetchOperation::Forget(const Asked& asked) {
  if (const auto found = running_.find(asked.name); found != running_.end()) {
    found->second.forgotten = true;
  }
  ports_.git.Forget(asked.spec.Source());  // Ends a fetch that is under way.
  ports_.cache.Forget(asked.spec.Source());
  asked.done({});
}

void GitFetchOperation::On(SecretRead read, Now) {
  Running& running = running_.at(read.name);
  Result<void> usable;
  if (running.forgotten) {
    usable = Fail(ErrorCode::kUnavailable, "the source was removed");
  } else if (read.secret) {
    usable = AddLogin(read.secret->Body(), running.remote);
  } else if (read.secret.error().code == ErrorCode::kNotFound) {
    usable = Fail(ErrorCode::kNotFound,
                  "spec.secretRef: secret " + Quote(running.spec.secret) + " not found");
  } else {
    usable = Fail(read.secret.error());
  }
  if (!usable) {
    inbox_->Push(Fetched{read.name, Fail(usable.error())});
    return;
  }
  Fetch(read.name, running, running.before ? running.before->snapshot.get() : nullptr);
}

void GitFetchOperation::Fetch(const std::string& name, const Running& running,
                              const Snapshot* known) {
  GitFetchRequest request;
  request.remote = running.remote;
  request.deadline = running.spec.timeout;
  request.read_suffixes = ManifestSuffixes();
  if (known != nullptr) {
    request.known_tree = known->revision.tree;
    request.same_directories = known->plain;
    if (!known->plain) {
      AppendBlobs(*known, request.known_blobs);
    }
  }
  ports_.git.Fetch(running.spec.Source(), std::move(request),
                   [inbox = inbox_, name](Result<GitSnapshot> result) {
                     inbox->Push(Fetched{name, std::move(result)});
                   });
}

void GitFetchOperation::On(Fetched fetched, Now now) {
  Running& running = running_.at(fetched.name);
  if (running.forgotten) {
    Finish(fetched.name, {}, now);
  } else if (!running.outcome) {
    OnNewest(fetched.name, running, std::move(fetched.result));
  } else {
    // The commit in force, read because the newest has errors. Without it nothing is worse.
    if (fetched.result && !fetched.result->unchanged) {
      const auto in_force = Load(running, *fetched.result, running.outcome->snapshot.get());
      running.outcome->valid = in_force->declared.errors.empty() ? in_force : nullptr;
    }
    FetchOutcome outcome = std::move(*running.outcome);
    Finish(fetched.name, std::move(outcome), now);
  }
}

void GitFetchOperation::OnNewest(const std::string& name, Running& running,
                                 Result<GitSnapshot> result) {
  const Now now = ports_.clock.Read();
  FetchOutcome outcome;
  outcome.fetch_time = now.mono - running.started;
  if (running.before != nullptr) {
    outcome.snapshot = running.before->snapshot;
    outcome.valid = running.before->valid;
    outcome.failures = running.before->failures;
  }
  if (!result) {
    outcome.error = std::move(result).error();
    ++outcome.failures;
    Finish(name, std::move(outcome), now);
    return;
  }
  outcome.failures = 0;
  if (result->unchanged) {
    MIDWATCH_CHECK(outcome.snapshot != nullptr);  // Else there was no tree to name in the request.
    if (outcome.snapshot->revision.commit != result->revision.commit) {
      auto same_tree = std::make_shared<Snapshot>(*outcome.snapshot);
      same_tree->revision = result->revision;
      const bool valid = outcome.valid == outcome.snapshot;
      outcome.snapshot = std::move(same_tree);
      outcome.valid = valid ? outcome.snapshot : outcome.valid;
    }
    outcome.load_time = running.before->load_time;
    Finish(name, std::move(outcome), now);
    return;
  }
  outcome.snapshot = Load(running, *result, outcome.snapshot.get());
  outcome.load_time = ports_.clock.Read().mono - now.mono;
  const std::string& applied = running.spec.applied_commit;
  if (outcome.snapshot->declared.errors.empty()) {
    outcome.valid = outcome.snapshot;
  } else if (outcome.valid == nullptr && !applied.empty() &&
             applied != outcome.snapshot->revision.commit) {
    running.remote.ref_kind = GitRefKind::kCommit;
    running.remote.ref = applied;
    running.outcome = std::move(outcome);
    Fetch(name, running, running.outcome->snapshot.get());
    return;
  }
  Finish(name, std::move(outcome), ports_.clock.Read());
}

std::shared_ptr<const Snapshot> GitFetchOperation::Load(const Running& running,
                                                        const GitSnapshot& fetched,
                                                        const Snapshot* before) {
  return LoadSnapshot(ports_.schemas, running.spec.scope, fetched, before, ports_.for_each);
}

void GitFetchOperation::Finish(const std::string& name, FetchOutcome outcome, Now now) {
  const auto found = running_.find(name);
  const Running running = std::move(found->second);
  running_.erase(found);
  if (!running.forgotten) {
    Store(running, std::move(outcome), now);
  }
  for (const Done& done : running.done) {
    done({});
  }
}

void GitFetchOperation::Store(const Running& running, FetchOutcome outcome, Now now) {
  outcome.fingerprint = running.spec.Fingerprint();
  outcome.sync_request = running.spec.sync_request;
  outcome.finished = now;
  const bool failed = outcome.error.has_value();
  ports_.metrics.Count("midwatch_git_fetch_total", {{"result", failed ? "error" : "success"}});
  ports_.metrics.Observe("midwatch_git_fetch_seconds", {}, Seconds(outcome.fetch_time));
  ports_.cache.Store(running.spec.Source(), std::move(outcome));
}

}  // namespace midwatch::gitsource
