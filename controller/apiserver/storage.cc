#include "controller/apiserver/storage.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "controller/apiserver/collector.h"
#include "controller/apiserver/core_rules.h"
#include "controller/apiserver/durable_state.h"
#include "controller/apiserver/recent_bodies.h"
#include "controller/apiserver/status_errors.h"
#include "controller/apiserver/watch_hub.h"
#include "controller/apiserver/write_plan.h"
#include "controller/base/check.h"
#include "controller/env/inbox.h"
#include "controller/object/stored_bytes.h"

namespace midwatch::apiserver {
namespace {

constexpr int kGenerateNameTries = 8;
constexpr std::uint64_t kCleanUpEvery = 64;
/// The journal is told to forget after so many changes, so that it need not for each one.
constexpr std::int64_t kCompactStride = 1024;
/// Of objects whose trees are kept: some hundred objects of usual size.
constexpr std::size_t kRecentBytes = std::size_t{512} << 10;

/// A write between its preparation and its proposal.
struct PreparedWrite {
  WriteCall call;
  Admission admit;
  WriteDone done;
  Object against;  ///< What it was planned upon; empty: nothing stood there.
  WritePlan plan;
};

/// What is known of the journal's answer.
struct CommitAnswer {
  std::uint64_t sequence = 0;
  Result<void> result;
};

/// A write that waits for the journal, or for those before it to be durable.
struct InFlight {
  std::uint64_t sequence = 0;  ///< 0: nothing is written for it.
  Change change;
  WriteDone done;
  Result<WriteAnswer> answer;
};

ObjectKey KeyOf(const Target& target, const std::string& name) {
  return {target.resource->type.Resource(), target.namespace_name, name};
}

Object ObjectOf(const VersionPtr& version) {
  return version == nullptr ? Object() : version->object();
}

}  // namespace

class Storage::Core {
 public:
  Core(const StorageWorld& world, StorageOptions options);
  ~Core();

  Result<void> Open();
  bool Step(Now now);
  std::optional<MonoTime> NextWake() const;
  void Write(WriteCall call, Admission admit, WriteDone done);
  bool Idle() const;

  DurableState& state() { return state_; }
  WatchHub& hub() { return hub_; }

 private:
  // Any thread.
  WriteContext MakeContext(const Object& against);
  Result<void> CheckSpace(const Target& target, const VersionPtr& space) const;
  Result<PreparedWrite> Prepare(WriteCall call, Admission admit);
  std::optional<Result<WriteAnswer>> AnswerAtOnce(const PreparedWrite& write);
  void Finish(const WriteDone& done, Result<WriteAnswer> answer);

  // The thread that steps.
  void Propose(PreparedWrite write, Now now);
  Result<WritePlan> PlanFor(PreparedWrite& write, VersionPtr& head);
  void Commit(PreparedWrite write, WritePlan plan, const VersionPtr& head, Now now);
  void AnswerInOrder(WriteDone done, Result<WriteAnswer> answer);
  VersionPtr Head(const ResourceInfo& resource, const ObjectKey& key) const;
  void OnCommitted(const CommitAnswer& answer, Now now);
  void OnFailed(const Error& why);
  void Apply(InFlight& done, Now now);
  bool CleanUp(Now now);
  void Compact();

  const StorageWorld world_;
  const StorageOptions options_;
  const ResourceInfo* const namespaces_;
  DurableState state_;
  WatchHub hub_;
  Collector collector_;

  std::mutex random_mutex_;
  std::atomic<std::size_t> unanswered_ = 0;
  std::atomic<bool> broken_ = false;
  const std::shared_ptr<Inbox<PreparedWrite>> writes_;
  const std::shared_ptr<Inbox<CommitAnswer>> commits_;  // Shared with what the journal calls.

  struct Proposed {
    VersionPtr version;  // nullptr: deleted.
    std::uint64_t sequence = 0;
  };
  std::unordered_map<ObjectKey, Proposed, ObjectKeyHash> proposed_;
  std::deque<InFlight> in_flight_;
  RecentBodies recent_{kRecentBytes};
  std::uint64_t last_sequence_ = 0;
  std::int64_t last_revision_ = 0;  // Proposed.
  std::int64_t compacted_ = 0;      // What the journal was told.
  Now last_step_{};
  std::uint64_t steps_ = 0;
  std::atomic<bool> busy_ = true;
};

Storage::Core::Core(const StorageWorld& world, StorageOptions options)
    : world_(world),
      options_(std::move(options)),
      namespaces_(world.registry.FindResource(kNamespaces)),
      state_(world.registry, {.changes = options_.log_max_changes,
                              .bytes = options_.log_max_bytes,
                              .age = options_.log_max_age}),
      hub_(state_, world.waker, options_.bookmark_interval, options_.max_watches),
      collector_(state_, options_.event_ttl),
      writes_(std::make_shared<Inbox<PreparedWrite>>(world.waker)),
      commits_(std::make_shared<Inbox<CommitAnswer>>(world.waker)) {}

Storage::Core::~Core() {
  commits_->Close();
  writes_->Close();
}

Result<void> Storage::Core::Open() {
  MIDWATCH_ASSIGN(JournalState loaded, world_.journal.Load());
  last_step_ = world_.clock.Read();
  last_revision_ = loaded.revision;
  compacted_ = loaded.compacted;
  MIDWATCH_TRY(state_.Load(std::move(loaded), last_step_.mono));
  collector_.Start();
  for (const std::string& name : options_.namespaces) {
    if (namespaces_ == nullptr || state_.Find(*namespaces_, {}, name) != nullptr) {
      continue;
    }
    Json space = Json::Of(
        {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", Json::Of({{"name", name}})}});
    Write({.identity = Identity::Controller(),
           .target = {.resource = namespaces_, .namespace_name = {}, .name = {}, .subresource = {}},
           .body = CreateBody{.object = std::move(space), .duplicates = {}},
           .options = {}},
          {}, [this, name](const Result<WriteAnswer>& result) {
            if (!result && result.error().code != ErrorCode::kAlreadyExists) {
              world_.log.Fault("a namespace could not be created",
                               {{"namespace", name}, {"error", result.error().message}});
            }
          });
  }
  return {};
}

WriteContext Storage::Core::MakeContext(const Object& against) {
  WriteContext context{.now = world_.clock.Read().wall,
                       .uid = {},
                       .name_suffix = {},
                       .max_object_bytes = options_.max_object_bytes};
  if (!against) {
    const std::scoped_lock lock(random_mutex_);
    context.uid = world_.random.Uuid();
    context.name_suffix = world_.random.NameSuffix();
  }
  return context;
}

/// New objects need a namespace that is there to stay.
Result<void> Storage::Core::CheckSpace(const Target& target, const VersionPtr& space) const {
  if (!target.resource->type.namespaced || namespaces_ == nullptr) {
    return {};
  }
  if (space == nullptr) {
    return Fail(NotFoundError(namespaces_->type, target.namespace_name));
  }
  if (space->object().meta().IsBeingDeleted()) {
    return Fail(ForbiddenWriteError(target.resource->type, target.name,
                                    "unable to create new content in namespace " +
                                        target.namespace_name + " because it is being terminated",
                                    "NamespaceTerminating"));
  }
  return {};
}

void Storage::Core::Finish(const WriteDone& done, Result<WriteAnswer> answer) {
  --unanswered_;
  done(std::move(answer));
}

void Storage::Core::Write(WriteCall call, Admission admit, WriteDone done) {
  if (broken_) {
    return done(Fail(ErrorCode::kUnavailable, "the storage has failed and must be restarted"));
  }
  if (unanswered_.fetch_add(1) >= options_.max_queued_writes) {
    return Finish(done, Fail(ErrorCode::kTooManyRequests,
                             "more than " + std::to_string(options_.max_queued_writes) +
                                 " writes are waiting"));
  }
  auto prepared = Prepare(std::move(call), std::move(admit));
  if (!prepared) {
    return Finish(done, Fail(std::move(prepared).error()));
  }
  if (auto answer = AnswerAtOnce(*prepared)) {
    return Finish(done, *std::move(answer));
  }
  prepared->done = std::move(done);
  writes_->Push(*std::move(prepared));
}

/// What can be done before the write's turn comes. An error here is one that the write would have
/// got if its turn had been now.
Result<PreparedWrite> Storage::Core::Prepare(WriteCall call, Admission admit) {
  const ResourceInfo& resource = *call.target.resource;
  const auto* create = std::get_if<CreateBody>(&call.body);
  if (create != nullptr) {
    call.target.name = create->object.At("metadata", "name").AsString();
  }
  const auto& held = options_.namespaces;
  if (std::holds_alternative<DeleteBody>(call.body) && &resource == namespaces_ &&
      std::find(held.begin(), held.end(), call.target.name) != held.end()) {
    return Fail(
        ForbiddenWriteError(resource.type, call.target.name, "this namespace may not be deleted"));
  }
  PreparedWrite write;
  write.against = ObjectOf(state_.Find(resource, call.target.namespace_name, call.target.name));
  MIDWATCH_ASSIGN(write.plan, PlanWrite(call, write.against, admit, MakeContext(write.against)));
  write.call = std::move(call);
  write.admit = std::move(admit);
  return write;
}

/// Dry runs and writes that change nothing need no turn.
std::optional<Result<WriteAnswer>> Storage::Core::AnswerAtOnce(const PreparedWrite& write) {
  const Target& target = write.call.target;
  const WritePlan& plan = write.plan;
  if (plan.outcome == WriteOutcome::kUnchanged) {
    return WriteAnswer{.object = write.against, .warnings = plan.warnings};
  }
  if (!write.call.options.dry_run) {
    return std::nullopt;
  }
  if (plan.created && namespaces_ != nullptr) {
    const auto fits = CheckSpace(target, state_.Find(*namespaces_, {}, target.namespace_name));
    if (!fits) {
      return Fail(fits.error());
    }
  }
  Json body = *ParseJson(plan.bytes);
  if (plan.created) {
    body["metadata"].Erase("resourceVersion");
  } else {
    body["metadata"].Set("resourceVersion", write.against.resource_version());
  }
  return WriteAnswer{.object = *Object::FromJson(body),
                     .warnings = plan.warnings,
                     .created = plan.created,
                     .gone = plan.outcome == WriteOutcome::kRemove};
}

bool Storage::Core::Step(Now now) {
  last_step_ = now;
  bool worked = true;
  if (++steps_ % kCleanUpEvery == 0 && CleanUp(now)) {
    // Callers that never pause do not keep the storage from cleaning up.
  } else if (const auto answer = commits_->Take()) {
    OnCommitted(*answer, now);
  } else if (hub_.Step(now)) {
    // One watch was served.
  } else if (auto write = writes_->Take()) {
    Propose(*std::move(write), now);
  } else {
    worked = CleanUp(now);
  }
  busy_ = worked || !in_flight_.empty();
  return worked;
}

/// The object as it will be once everything proposed is durable.
VersionPtr Storage::Core::Head(const ResourceInfo& resource, const ObjectKey& key) const {
  const auto found = proposed_.find(key);
  return found != proposed_.end() ? found->second.version
                                  : state_.table(resource).Find({key.namespace_name, key.name});
}

Result<WritePlan> Storage::Core::PlanFor(PreparedWrite& write, VersionPtr& head) {
  const ResourceInfo& resource = *write.call.target.resource;
  const bool generated = write.plan.created && write.call.target.name.empty();
  for (int tries = 0;; ++tries) {
    head = Head(resource, KeyOf(write.call.target, write.plan.name));
    const Object object = ObjectOf(head);
    if (!object ? !write.against : write.against && object.SameRecord(write.against)) {
      return std::move(write.plan);
    }
    if (generated && tries < kGenerateNameTries) {
      write.against = Object();
      MIDWATCH_ASSIGN(write.plan, PlanWrite(write.call, {}, write.admit, MakeContext({})));
      continue;
    }
    return PlanWrite(write.call, object, write.admit, MakeContext(object));
  }
}

void Storage::Core::Propose(PreparedWrite write, Now now) {
  if (broken_) {
    return Finish(write.done, Fail(ErrorCode::kUnavailable, "the storage has failed"));
  }
  VersionPtr head;
  auto plan = PlanFor(write, head);
  if (!plan) {
    return AnswerInOrder(std::move(write.done), Fail(std::move(plan).error()));
  }
  if (plan->outcome == WriteOutcome::kUnchanged) {
    return AnswerInOrder(std::move(write.done),
                         WriteAnswer{.object = ObjectOf(head), .warnings = plan->warnings});
  }
  if (plan->created && write.call.target.resource->type.namespaced && namespaces_ != nullptr) {
    const ObjectKey space{std::string(kNamespaces), {}, write.call.target.namespace_name};
    if (auto fits = CheckSpace(write.call.target, Head(*namespaces_, space)); !fits) {
      return AnswerInOrder(std::move(write.done), Fail(std::move(fits).error()));
    }
  }
  Commit(std::move(write), *std::move(plan), head, now);
}

/// Answers without a write of its own, but not before what it was decided upon is durable.
void Storage::Core::AnswerInOrder(WriteDone done, Result<WriteAnswer> answer) {
  if (in_flight_.empty()) {
    return Finish(done, std::move(answer));
  }
  in_flight_.push_back(
      {.sequence = 0, .change = {}, .done = std::move(done), .answer = std::move(answer)});
}

void Storage::Core::Commit(PreparedWrite write, WritePlan plan, const VersionPtr& head, Now now) {
  const ResourceInfo& resource = *write.call.target.resource;
  const std::int64_t revision = ++last_revision_;
  const std::uint64_t sequence = ++last_sequence_;
  const bool deleted = plan.outcome == WriteOutcome::kRemove;
  plan.meta.resource_version = std::to_string(revision);
  ObjectKey key = KeyOf(write.call.target, plan.name);
  std::string bytes = WithResourceVersion(plan.bytes, plan.meta.resource_version);
  std::vector<JournalRow> batch;
  batch.push_back({.revision = revision,
                   .deleted = deleted,
                   .key = key,
                   .uid = plan.meta.uid,
                   .bytes = bytes,
                   .previous = head == nullptr ? 0 : head->revision()});
  const auto version = std::make_shared<const Version>(
      resource, key,
      Object::FromParts(std::move(plan.api_version), std::move(plan.kind), std::move(plan.meta),
                        std::move(bytes)),
      revision);
  if (!deleted && plan.body.IsObject()) {
    plan.body["metadata"].Set("resourceVersion", version->object().resource_version());
    recent_.Keep(version->object(), std::move(plan.body));
  }
  const bool by_delete = std::holds_alternative<DeleteBody>(write.call.body);
  in_flight_.push_back({.sequence = sequence,
                        .change = {.before = head,
                                   .after = version,
                                   .deleted = deleted,
                                   .before_known = true,
                                   .at = now.mono},
                        .done = std::move(write.done),
                        .answer = WriteAnswer{.object = version->object(),
                                              .warnings = std::move(plan.warnings),
                                              .created = plan.created,
                                              .gone = deleted && by_delete}});
  proposed_[std::move(key)] = {deleted ? nullptr : version, sequence};
  world_.journal.Commit(std::move(batch), [commits = commits_, sequence](Result<void> result) {
    commits->Push({sequence, std::move(result)});
  });
}

void Storage::Core::OnCommitted(const CommitAnswer& answer, Now now) {
  if (broken_) {
    return;
  }
  if (in_flight_.empty() || in_flight_.front().sequence > answer.sequence) {
    MIDWATCH_CHECK(!answer.result);  // It was built upon something that had failed.
    return;
  }
  MIDWATCH_CHECK(in_flight_.front().sequence == answer.sequence);
  if (!answer.result) {
    return OnFailed(answer.result.error());
  }
  do {
    InFlight done = std::move(in_flight_.front());
    in_flight_.pop_front();
    if (done.sequence != 0) {
      Apply(done, now);
    }
    Finish(done.done, std::move(done.answer));
  } while (!in_flight_.empty() && in_flight_.front().sequence == 0);
}

void Storage::Core::Apply(InFlight& done, Now now) {
  const auto found = proposed_.find(done.change.after->key());
  if (found != proposed_.end() && found->second.sequence == done.sequence) {
    proposed_.erase(found);
  }
  done.change.at = now.mono;
  state_.Apply(done.change);
  state_.Trim(now.mono);
  collector_.OnChange(done.change);
}

/// Nothing that was proposed since the last durable revision has happened.
void Storage::Core::OnFailed(const Error& why) {
  const bool fatal = why.code == ErrorCode::kOutcomeUnknown;
  if (fatal) {
    broken_ = true;
    world_.log.Fault("a commit's outcome is unknown: the storage stops", {{"error", why.message}});
  }
  std::deque<InFlight> failed;
  failed.swap(in_flight_);
  proposed_.clear();
  last_revision_ = state_.log().Newest();
  world_.metrics.Count("midwatch_storage_failed_commits_total", {}, 1);
  for (InFlight& write : failed) {
    Finish(write.done, Fail(why));
  }
  if (fatal && options_.on_fatal) {
    options_.on_fatal(why);
  }
}

bool Storage::Core::CleanUp(Now now) {
  Compact();
  if (broken_ || !collector_.Busy(now)) {
    return false;
  }
  auto call = collector_.Next(now);
  if (!call) {
    return true;
  }
  const ObjectKey key = KeyOf(call->target, call->target.name);
  WriteDone done = [this, key](const Result<WriteAnswer>& result) {
    collector_.OnDone(key, result, last_step_.mono);
  };
  ++unanswered_;
  auto prepared = Prepare(*std::move(call), {});
  if (!prepared) {
    Finish(done, Fail(std::move(prepared).error()));
  } else {
    prepared->done = std::move(done);
    Propose(*std::move(prepared), now);
  }
  return true;
}

/// Forgets old changes, here at once, in the journal now and then.
void Storage::Core::Compact() {
  if (const auto due = state_.log().NextTrim(); due && *due <= last_step_.mono) {
    state_.Trim(last_step_.mono);
  }
  const std::int64_t compacted = state_.log().Compacted();
  if (compacted - compacted_ >= kCompactStride || (compacted > compacted_ && in_flight_.empty())) {
    compacted_ = compacted;
    world_.journal.Compact(compacted);
  }
}

std::optional<MonoTime> Storage::Core::NextWake() const {
  std::optional<MonoTime> next;
  for (const auto& at :
       {hub_.NextWake(), collector_.NextWake(last_step_), state_.log().NextTrim()}) {
    if (at && (!next || *at < *next)) {
      next = at;
    }
  }
  return next;
}

bool Storage::Core::Idle() const { return unanswered_ == 0 && !busy_; }

Storage::Storage(const StorageWorld& world, StorageOptions options)
    : core_(std::make_unique<Core>(world, std::move(options))) {}
Storage::~Storage() = default;

Result<void> Storage::Open() { return core_->Open(); }
bool Storage::Step(Now now) { return core_->Step(now); }
std::optional<MonoTime> Storage::NextWake() const { return core_->NextWake(); }

void Storage::Write(WriteCall call, Admission admit, WriteDone done) {
  core_->Write(std::move(call), std::move(admit), std::move(done));
}

VersionPtr Storage::Find(const ResourceInfo& resource, std::string_view namespace_name,
                         std::string_view name) const {
  return core_->state().Find(resource, namespace_name, name);
}

Result<ListAnswer> Storage::List(const ListCall& call, const Selection& selection) const {
  return core_->state().List(call, selection);
}

Result<std::unique_ptr<WatchHandle>> Storage::Watch(const WatchCall& call, Selection selection,
                                                    std::shared_ptr<WatchSink> sink) {
  return core_->hub().Start(call, std::move(selection), std::move(sink));
}

std::int64_t Storage::Revision() const { return core_->state().Revision(); }
bool Storage::Idle() const { return core_->Idle(); }

}  // namespace midwatch::apiserver
