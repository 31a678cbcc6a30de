#include "controller/reconcilers/gitsource/gitsource_reconciler.h"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

#include "controller/api/names.h"
#include "controller/base/error_table.h"
#include "controller/manifest/ordering.h"
#include "controller/reconcilers/gitsource/comparison_scope.h"
#include "controller/reconcilers/gitsource/sync_news.h"
#include "controller/reconcilers/scope/typed_view.h"

namespace midwatch::gitsource {
namespace {

using manifest::SyncPlan;
using manifest::SyncStep;
using manifest::SyncVerb;

const std::string kManager(api::field_managers::kGit);

/// What an apply says that may only create. A server compares the version with that of the object
/// that it finds, and creates if it finds none; no object has this one.
constexpr std::string_view kVersionOfNothing = "9223372036854775807";

std::string InventoryIndex(const ResourceType& type) { return "gitsource-" + type.Resource(); }

std::string IdentityOf(const std::string& space, const std::string& name) {
  return TypedKey<api::GitSource>(space, name).ToString();
}

Write WriteOf(const manifest::SyncSource& source, std::string_view label, SyncStep& step) {
  if (step.verb == SyncVerb::kPrune) {
    return DeleteRequest{
        .type = step.type,
        .namespace_name = step.key.namespace_name,
        .name = step.key.name,
        .preconditions = {.uid = step.uid, .resource_version = step.resource_version},
        .propagation_policy = {}};
  }
  const bool creates = step.verb == SyncVerb::kCreate;
  if (creates) {
    step.body = manifest::CreateBody(source, label, *step.manifest);
    step.body["metadata"].Set("resourceVersion", kVersionOfNothing);
  } else {
    step.body["metadata"].Set("uid", step.uid);
    step.body["metadata"].Set("resourceVersion", step.resource_version);
  }
  return PatchRequest{.type = step.type,
                      .namespace_name = step.key.namespace_name,
                      .name = step.key.name,
                      .subresource = {},
                      .patch_type = PatchType::kApply,
                      .patch = std::move(step.body),
                      .field_manager = kManager,
                      .force = !creates};
}

/// False for changes that cannot be drift: of the status alone.
bool MayBeDrift(const Change& change) {
  if (!change.before || !change.after) {
    return true;
  }
  const ObjectMeta& a = change.before.meta();
  const ObjectMeta& b = change.after.meta();
  const bool same = a.generation != 0 && a.generation == b.generation && a.uid == b.uid &&
                    a.labels == b.labels && a.annotations == b.annotations &&
                    a.deletion_timestamp == b.deletion_timestamp &&
                    a.owner_references == b.owner_references;
  return !same;
}

/// The source whose mark the object carries.
std::optional<ObjectKey> OwnerOf(const Object& object, const View& view) {
  if (!object) {
    return std::nullopt;
  }
  const ObjectMeta& meta = object.meta();
  const std::string resource = api::GitSource::Type().Resource();
  const auto identity = meta.annotations.find(api::annotations::kSourceIdentity);
  if (identity != meta.annotations.end() && identity->second.starts_with(resource + "/")) {
    const std::string& text = identity->second;
    const std::size_t slash = text.find('/', resource.size() + 1);
    if (slash != std::string::npos) {
      return ObjectKey{resource, text.substr(resource.size() + 1, slash - resource.size() - 1),
                       text.substr(slash + 1)};
    }
  }
  const auto label = meta.labels.find(api::labels::kSource);
  if (label == meta.labels.end()) {
    return std::nullopt;
  }
  for (const Object& source : view.List(resource)) {  // Somebody has removed the annotation.
    const ObjectKey key = KeyOf(api::GitSource::Type(), source);
    if (manifest::SourceLabel(key.ToString()) == label->second) {
      return key;
    }
  }
  return std::nullopt;
}

std::vector<ObjectKey> SourcesAffected(const Change& change, const View& view) {
  std::vector<ObjectKey> out;
  if (!MayBeDrift(change)) {
    return out;
  }
  for (const Object* object : {&change.before, &change.after}) {
    if (auto owner = OwnerOf(*object, view); owner && (out.empty() || out.front() != *owner)) {
      out.push_back(*std::move(owner));
    }
  }
  return out;
}

}  // namespace

manifest::SyncSource SyncSourceOf(const api::GitSource& source) {
  const api::GitSourceSpec& spec = source.spec;
  return {.identity = IdentityOf(source.metadata.namespace_name, source.metadata.name),
          .field_manager = kManager,
          .marks = {.source_label = std::string(api::labels::kSource),
                    .identity_annotation = std::string(api::annotations::kSourceIdentity),
                    .adopted_annotation = std::string(api::annotations::kAdopted),
                    .file_annotation = std::string(api::annotations::kSourceFile)},
          .prune = spec.prune,
          .prune_namespaces = spec.prune_namespaces,
          .prune_adopted = spec.prune_adopted,
          .allow_empty = spec.allow_empty,
          .adopt = spec.adopt,
          .skip_invalid = spec.failure_policy == api::FailurePolicy::kSkipInvalid};
}

struct GitSourceReconciler::Memory {
  LastComparison last;
  manifest::SyncMemo memo;             // Of everything that was found to be as declared.
  std::vector<std::int64_t> fresh;     // How new the view was.
  std::vector<std::uint64_t> changes;  // Of the marked objects, per type, as IndexChanges counts.
  SyncPlan plan;                       // Without its steps, once they are on their way.
  std::int64_t inventory = 0;
  bool settled = false;  // Nothing was left to do.

  std::optional<Attempt> attempt;
  struct Emitted {
    SyncVerb verb;
    std::string over;  // The version of the object then; empty if there was none.
  };
  std::map<ObjectKey, Emitted> emitted;  // The wave that was planned last.
  struct Refused {
    Error error;
    MonoTime fetched;  // Tried again with the next fetch.
  };
  std::map<ObjectKey, Refused> refused;
};

/// One look at one source.
class GitSourceReconciler::Sync {
 public:
  Sync(const GitSourceReconciler& owner, Object stored, api::GitSource source, const View& view,
       Now now, Memory& memory)
      : options_(owner.options_),
        types_(owner.Resources()),
        stored_(std::move(stored)),
        source_(std::move(source)),
        view_(view),
        now_(now),
        memory_(memory),
        key_(KeyOf(api::GitSource::Type(), stored_)),
        spec_(FetchSpecFor(source_, options_.installation_namespace)),
        outcome_(options_.cache->Find(spec_.Source())) {
    if (outcome_ != nullptr && outcome_->fingerprint != spec_.Fingerprint()) {
      outcome_ = nullptr;
    }
  }

  Plan Run() {
    if (source_.metadata.IsBeingDeleted()) {
      return LetGo();
    }
    if (!source_.metadata.HasFinalizer(api::finalizers::kGitSource)) {
      Add(FinalizerPatch<api::GitSource>(source_.metadata, api::finalizers::kGitSource, true));
      return std::move(plan_);
    }
    const FetchDecision fetch = PlanFetch(source_, spec_, outcome_.get(), now_.mono);
    plan_.wake_at = fetch.wake_at;
    if (fetch.start) {
      AddStart(spec_);
    }
    if (source_.spec.suspend || outcome_ == nullptr) {
      AddStatus({});
      return std::move(plan_);
    }
    Apply();
    return std::move(plan_);
  }

 private:
  void Add(Write write) { plan_.effects.emplace_back(std::move(write)); }

  void AddStart(const FetchSpec& spec) {
    plan_.effects.emplace_back(Start{std::string(kGitFetch), spec.Source(), ToJson(spec)});
  }

  /// True if it has something to tell: then nothing else may be written with it.
  bool AddStatus(const SyncState& state) {
    api::GitSource wanted = source_;
    wanted.status = PlanStatus(source_, state, now_.wall);
    if (wanted.status != source_.status) {
      UpdateRequest update = StatusUpdate<api::GitSource>(stored_, wanted.status);
      update.field_manager = api::field_managers::kController;
      Add(std::move(update));
      if (const auto news = NewsOf(source_.status, wanted.status)) {
        AddNews(*news);
        return true;
      }
    } else if (state.done) {
      memory_.attempt.reset();
    }
    return false;
  }

  /// Behind the status, and only if that was written: one effect after the other.
  void AddNews(const SyncNews& news) {
    plan_.effects.emplace_back(
        EventOf(api::GitSource::Type(), source_.metadata, OccurrenceOf(news), now_.wall));
    if (news.kind != NewsKind::kApplied) {
      plan_.effects.emplace_back(
          Start{std::string(kSyncNews), spec_.Source(), ToJson(news, spec_.Source())});
    }
  }

  /// The source is being deleted.
  Plan LetGo() {
    if (!source_.metadata.HasFinalizer(api::finalizers::kGitSource)) {
      return {};
    }
    if (source_.spec.deletion_policy == api::DeletionPolicy::kPrune) {
      manifest::SyncSource everything = SyncSourceOf(source_);
      everything.prune = true;
      everything.allow_empty = true;
      const manifest::DeclaredSet nothing;
      SyncPlan left =
          Compare(everything, nothing, InventoryOf(everything.identity, Changes()), nullptr);
      AddWave(left, NextWave(left, {}));
      if (!plan_.effects.empty()) {
        return std::move(plan_);
      }
    }
    FetchSpec forget = spec_;
    forget.forget = true;
    AddStart(forget);
    Add(FinalizerPatch<api::GitSource>(source_.metadata, api::finalizers::kGitSource, false));
    return std::move(plan_);
  }

  void Apply() {
    TakeFailures();
    SyncState state;
    state.outcome = outcome_.get();
    state.revision = RevisionToApply(source_, *outcome_);
    if (state.revision == nullptr) {
      state.done = true;
      AddStatus(state);
      return;
    }
    if (!IsSettled(*state.revision)) {
      memory_.plan = CompareChanged(*state.revision);
    }
    const std::vector<std::size_t> wave = NextWave(memory_.plan, Held());
    memory_.settled = wave.empty();
    state.done = wave.empty();
    if (!state.done) {
      BeginAttempt();
    } else if (memory_.attempt && !memory_.attempt->ended) {
      memory_.attempt->ended = now_.mono;
    }
    FillIn(state);
    const bool told = (state.done || !state.refused.empty()) && AddStatus(state);
    if (!state.done) {  // After what is told the wave comes with the next look.
      LookAgain(!told && AddWave(memory_.plan, wave));
    }
    memory_.plan.steps.clear();
  }

  void BeginAttempt() {
    if (!memory_.attempt) {
      memory_.attempt = Attempt();
      memory_.attempt->started = now_.mono;
    }
    memory_.attempt->ended.reset();
  }

  void LookAgain(bool in_flight_elsewhere) {
    // What is written wakes the source; this is for a write that changed nothing, and for an object
    // that another plan is writing.
    const MonoTime look = now_.mono + (in_flight_elsewhere ? kInFlightWait : kNextLook);
    plan_.wake_at = std::min(plan_.wake_at.value_or(look), look);
  }

  void FillIn(SyncState& state) const {
    state.plan = &memory_.plan;
    state.attempt = memory_.attempt;
    state.inventory = memory_.inventory;
    for (const auto& [key, refused] : memory_.refused) {
      state.refused.push_back({key, refused.error});
    }
  }

  /// What became of the wave that was planned last. Not everything that was not made is told as a
  /// failure (there are too many, or the plan was dropped): the object says whether it was.
  void TakeFailures() {
    std::map<ObjectKey, Memory::Emitted> made = std::exchange(memory_.emitted, {});
    for (WriteFailure& failure : view_.Failures(key_)) {
      made.erase(failure.key);
      if (IsRefusal(failure.error.code)) {
        memory_.refused[failure.key] = {std::move(failure.error), outcome_->finished.mono};
      }
    }
    for (const auto& [key, emitted] : made) {
      const Object live = view_.Find(key);
      if ((live ? live.resource_version() : std::string()) == emitted.over) {
        continue;
      }
      const SyncVerb verb = emitted.verb;
      memory_.refused.erase(key);
      if (memory_.attempt) {
        memory_.attempt->created += verb == SyncVerb::kCreate ? 1 : 0;
        memory_.attempt->updated += verb == SyncVerb::kUpdate ? 1 : 0;
        memory_.attempt->pruned += verb == SyncVerb::kPrune ? 1 : 0;
      }
    }
    std::erase_if(memory_.refused, [&](const auto& refused) {
      return refused.second.fetched != outcome_->finished.mono;
    });
  }

  std::set<ObjectKey> Held() const {
    std::set<ObjectKey> held;
    for (const auto& [key, refused] : memory_.refused) {
      held.insert(key);
    }
    return held;
  }

  std::vector<std::int64_t> Freshness() const {
    std::vector<std::int64_t> out;
    for (const ResourceType& type : types_) {
      out.push_back(view_.FreshTo(type.Resource()));
    }
    return out;
  }

  std::vector<std::uint64_t> Changes() const {
    std::vector<std::uint64_t> out;
    for (const ResourceType& type : types_) {
      out.push_back(view_.IndexChanges(InventoryIndex(type)));
    }
    return out;
  }

  /// Nothing can have changed since the last comparison. What is declared and not open carries the
  /// mark; what is open may be anybody's.
  bool IsSettled(const Snapshot& revision) const {
    const bool same = memory_.settled && memory_.last.revision == &revision &&
                      memory_.refused.empty() &&
                      memory_.last.generation == source_.metadata.generation;
    return same && (memory_.last.open.empty() ? memory_.changes == Changes()
                                              : memory_.fresh == Freshness());
  }

  /// Shares with the last one what has not changed since.
  Inventory InventoryOf(const std::string& identity, const std::vector<std::uint64_t>& changes) {
    Inventory inventory;
    const std::string label = manifest::SourceLabel(identity);
    for (std::size_t i = 0; i < types_.size(); ++i) {
      const bool same = i < memory_.changes.size() && i < memory_.last.inventory.size() &&
                        memory_.changes[i] == changes[i];
      inventory.push_back(same ? memory_.last.inventory[i]
                               : std::make_shared<const std::vector<Object>>(
                                     view_.ByIndex(InventoryIndex(types_[i]), label)));
    }
    return inventory;
  }

  /// Compares what may have changed since the last time.
  SyncPlan CompareChanged(const Snapshot& revision) {
    const manifest::SyncSource source = SyncSourceOf(source_);
    std::vector<std::uint64_t> changes = Changes();
    Inventory inventory = InventoryOf(source.identity, changes);
    memory_.changes = std::move(changes);
    memory_.fresh = Freshness();
    if (memory_.last.generation != source_.metadata.generation) {
      memory_.last.revision = nullptr;
    }
    const auto some = ManifestsToCompare(memory_.last, types_, revision, inventory);
    SyncPlan plan;
    if (some) {
      manifest::DeclaredSet part;
      part.manifests = *some;
      part.errors = revision.declared.errors;
      part.complete = revision.declared.complete;
      plan = Compare(source, part, {}, nullptr);
      plan.unchanged += revision.declared.manifests.size() - some->size();
      Remember(*some, plan.memo);
    } else {
      plan = Compare(source, revision.declared, inventory, &memory_.memo);
      memory_.memo = std::move(plan.memo);
    }
    memory_.inventory = 0;
    for (const auto& objects : inventory) {
      memory_.inventory += static_cast<std::int64_t>(objects->size());
    }
    memory_.last = {.outcome = outcome_,
                    .revision = &revision,
                    .generation = source_.metadata.generation,
                    .inventory = std::move(inventory),
                    .open = OpenObjects(plan),
                    .prunes = !plan.kept.empty()};
    for (const SyncStep& step : plan.steps) {
      memory_.last.prunes = memory_.last.prunes || step.verb == SyncVerb::kPrune;
    }
    return plan;
  }

  void Remember(const std::vector<const manifest::Manifest*>& compared,
                const manifest::SyncMemo& memo) {
    for (const manifest::Manifest* declared : compared) {
      const Object live = view_.Find(declared->key);
      if (live && memo.Knows(*declared, live)) {
        memory_.memo.Note(*declared, live);
      }
    }
  }

  static KeySet OpenObjects(const SyncPlan& plan) {
    KeySet open(plan.waiting.begin(), plan.waiting.end());
    open.reserve(plan.steps.size());
    for (const SyncStep& step : plan.steps) {
      open.insert(step.key);
    }
    for (const manifest::ManifestError& error : plan.errors) {
      if (error.key) {
        open.insert(*error.key);
      }
    }
    return open;
  }

  SyncPlan Compare(const manifest::SyncSource& source, const manifest::DeclaredSet& declared,
                   const Inventory& inventory, const manifest::SyncMemo* memo) const {
    manifest::SyncInput input{.source = source,
                              .schemas = *options_.schemas,
                              .declared = declared,
                              .find =
                                  [this](const ObjectKey& key) {
                                    Object object = view_.Find(key);
                                    return object ? std::optional(std::move(object)) : std::nullopt;
                                  },
                              .inventory = {},
                              .lazy_creates = true,
                              .memo = memo,
                              .now = now_.wall};
    for (std::size_t i = 0; i < inventory.size(); ++i) {
      for (const Object& object : *inventory[i]) {
        input.inventory.emplace_back(KeyOf(types_[i], object), object);
      }
    }
    return manifest::PlanSync(input);
  }

  /// True if a step was left out because another plan is writing that object.
  bool AddWave(SyncPlan& sync, const std::vector<std::size_t>& wave) {
    std::set<ObjectKey> in_flight;
    for (const std::size_t at : wave) {
      const SyncStep& step = sync.steps[at];
      if (step.verb == SyncVerb::kCreate && asked_.insert(step.key.resource).second) {
        for (const Object& object : view_.InFlight(step.key.resource)) {
          in_flight.insert(KeyOf(step.type, object));
        }
      }
    }
    bool left_out = false;
    const manifest::SyncSource source = SyncSourceOf(source_);
    const std::string label = manifest::SourceLabel(source.identity);
    for (const std::size_t at : wave) {
      SyncStep& step = sync.steps[at];
      if (in_flight.contains(step.key)) {
        left_out = true;
        continue;
      }
      memory_.emitted.emplace(step.key, Memory::Emitted{step.verb, step.resource_version});
      Add(WriteOf(source, label, step));
    }
    plan_.independent = !wave.empty();
    plan_.keep_going = !wave.empty();
    return left_out;
  }

  static constexpr Duration kInFlightWait = std::chrono::milliseconds(100);
  static constexpr Duration kNextLook = std::chrono::seconds(1);

  const Options& options_;
  const std::vector<ResourceType> types_;
  const Object stored_;
  const api::GitSource source_;
  const View& view_;
  const Now now_;
  Memory& memory_;
  const ObjectKey key_;
  const FetchSpec spec_;
  std::shared_ptr<const FetchOutcome> outcome_;  // Of what is to be fetched now, or null.
  std::set<std::string> asked_;                  // Resources whose writes in flight were looked at.
  Plan plan_;
};

GitSourceReconciler::GitSourceReconciler(Options options) : options_(std::move(options)) {}
GitSourceReconciler::~GitSourceReconciler() = default;

Result<Plan> GitSourceReconciler::Reconcile(const ObjectKey& key, const View& view, Now now) const {
  Object stored = view.Find(key);
  if (!stored) {
    memories_.erase(key);
    return Plan{};
  }
  MIDWATCH_ASSIGN(api::GitSource source, api::FromObject<api::GitSource>(stored));
  std::unique_ptr<Memory>& memory = memories_[key];
  if (memory == nullptr) {
    memory = std::make_unique<Memory>();
  }
  return Sync(*this, std::move(stored), std::move(source), view, now, *memory).Run();
}

std::vector<ResourceType> GitSourceReconciler::Resources() const {
  std::vector<ResourceType> out = {api::GitSource::Type()};
  for (const manifest::ManifestKind& kind : options_.schemas->kinds()) {
    const bool known = std::any_of(out.begin(), out.end(), [&](const ResourceType& type) {
      return type.Resource() == kind.type.Resource();  // In another version.
    });
    if (!known) {
      out.push_back(kind.type);
    }
  }
  return out;
}

Controller MakeController(const GitSourceReconciler& reconciler) {
  Controller controller;
  controller.name = "gitsource";
  controller.primary = api::GitSource::Type();
  controller.reconciler = &reconciler;
  for (const ResourceType& type : reconciler.Resources()) {
    controller.triggers.push_back({type, SourcesAffected});
    controller.indexes.push_back({InventoryIndex(type), type.Resource(), [](const Object& object) {
                                    const auto label =
                                        object.meta().labels.find(api::labels::kSource);
                                    return label == object.meta().labels.end()
                                               ? std::vector<std::string>()
                                               : std::vector<std::string>{label->second};
                                  }});
  }
  return controller;
}

}  // namespace midwatch::gitsource
