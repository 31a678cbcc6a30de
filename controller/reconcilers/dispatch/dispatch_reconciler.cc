#include "controller/reconcilers/dispatch/dispatch_reconciler.h"

#include <algorithm>
#include <utility>

#include "controller/api/lease.h"
#include "controller/api/module.h"
#include "controller/api/names.h"
#include "controller/reconcilers/dispatch/dispatch_events.h"
#include "controller/reconcilers/dispatch/dispatch_index.h"
#include "controller/reconcilers/dispatch/dispatch_plan.h"
#include "controller/reconcilers/dispatch/report_plan.h"
#include "controller/reconcilers/scope/typed_view.h"

namespace midwatch::dispatch {
namespace {

const std::string kManager(api::field_managers::kController);

/// The last jobs of the Module before this one, newest first.
std::vector<api::RunHistoryEntry> HistoryOf(const api::Dispatch& dispatch, const View& view) {
  if (!dispatch.spec.module_ref) {
    return {};
  }
  const std::string jobs =
      value::JobsOf(dispatch.metadata.namespace_name, dispatch.spec.module_ref->name);
  std::vector<api::RunHistoryEntry> out;
  // One more than are kept: this one may be among them.
  for (const Object& object : view.FirstByPrefix(kJobsByModule, jobs, kHistoryEntries + 1)) {
    const auto* job = api::PeekObject<api::ModuleJob>(object);
    if (job != nullptr && object.name() != dispatch.spec.module_job_ref.name &&
        out.size() < kHistoryEntries) {
      out.push_back(HistoryEntryOf(*job));
    }
  }
  return out;
}

/// Turns one Decision into effects, in the order that dispatch_plan.h promises.
class Effects {
 public:
  Effects(const Object& stored, const api::Dispatch& dispatch, const World& seen, const View& view,
          Now now)
      : stored_(stored), dispatch_(dispatch), seen_(seen), view_(view), now_(now) {}

  Result<Plan> Of(Decision decision) {
    plan_.wake_at = decision.wake_at;
    if (!decision.confirm.empty()) {
      AddConfirms(decision.confirm);
      return std::move(plan_);
    }
    if (decision.hold) {
      Add(FinalizerPatch<api::Dispatch>(dispatch_.metadata, api::finalizers::kDispatch, true));
      return std::move(plan_);
    }
    if (decision.follow) {
      AddSpec(*decision.follow);
      return std::move(plan_);
    }
    const bool last = decision.lock == LockChange::kReleaseLast;
    AddLock(last ? LockChange::kNone : decision.lock, decision.status);
    if (decision.report) {
      MIDWATCH_TRY(AddReport());
    }
    AddStatus(decision.status);
    AddLock(last ? LockChange::kRelease : LockChange::kNone, decision.status);
    AddRun(decision);
    AddReleases(decision);
    if (decision.let_go) {
      Add(FinalizerPatch<api::Dispatch>(dispatch_.metadata, api::finalizers::kDispatch, false));
    }
    return std::move(plan_);
  }

 private:
  template <typename Request>
  void Add(Request request) {
    if constexpr (!std::is_same_v<Request, DeleteRequest>) {
      request.field_manager = kManager;
    }
    plan_.effects.emplace_back(Write(std::move(request)));
  }

  void AddConfirms(const std::vector<ObjectKey>& keys) {
    for (const ObjectKey& key : keys) {
      for (const ResourceType& type : Resources()) {
        if (type.Resource() == key.resource) {
          plan_.effects.emplace_back(Confirm{{type, key.namespace_name, key.name}});
        }
      }
    }
  }

  void AddSpec(const api::DispatchSpec& spec) {
    Json patch = Json::EmptyObject();
    patch["spec"].Set("agentRef", api::Encode(spec.agent_ref));
    patch["spec"].Set("sidecarName", spec.sidecar_name.empty() ? Json() : Json(spec.sidecar_name));
    if (spec.module_ref) {
      patch["spec"].Set("moduleRef", api::Encode(*spec.module_ref));
    }
    Add(GuardedPatch<api::Dispatch>(dispatch_.metadata, std::move(patch)));
  }

  void AddLock(LockChange change, const api::DispatchStatus& wanted) {
    if (change == LockChange::kNone) {
      return;
    }
    const std::string holder = change == LockChange::kAcquire ? LockHolder(*wanted.run) : "";
    const std::string& space = dispatch_.metadata.namespace_name;
    const Object lease = view_.Find(TypedKey<api::Lease>(space, seen_.lock.name));
    // Nobody else gets it while a Run holds it, even if the job is deleted, and the Lease with it.
    const bool held = change == LockChange::kAcquire;
    if (lease) {
      PatchRequest patch = FinalizerPatch<api::Lease>(lease.meta(), api::finalizers::kRun, held);
      patch.patch["spec"].Set("holderIdentity", holder);
      Add(std::move(patch));
      return;
    }
    api::Lease fresh;
    fresh.metadata.name = seen_.lock.name;
    fresh.metadata.namespace_name = space;
    fresh.metadata.finalizers = {std::string(api::finalizers::kRun)};
    if (seen_.job) {
      fresh.metadata.owner_references = {OwnedBy(*seen_.job)};
    }
    fresh.spec.holder_identity = holder;
    Add(CreateRequest{
        .type = api::Lease::Type(), .object = api::ToBody(fresh), .field_manager = {}});
  }

  Result<void> AddReport() {
    MIDWATCH_ASSIGN(const api::Report report, MakeReport(dispatch_, *seen_.run));
    const ObjectMeta& meta = report.metadata;
    if (!view_.Find(TypedKey<api::Report>(meta.namespace_name, meta.name))) {
      Add(CreateRequest{
          .type = api::Report::Type(), .object = api::ToBody(report), .field_manager = {}});
    }
    return {};
  }

  void AddStatus(const api::DispatchStatus& status) {
    if (status == dispatch_.status) {
      return;
    }
    Add(StatusUpdate<api::Dispatch>(stored_, status));
    if (const auto told = OccurrenceOf(dispatch_.status, status)) {
      Tell(api::Dispatch::Type(), dispatch_.metadata, *told);
    }
  }

  void AddRun(const Decision& decision) {
    if (const auto* create = std::get_if<CreateRun>(&decision.run)) {
      api::Dispatch assigned = dispatch_;
      assigned.status = decision.status;
      api::Run run = MakeRun(assigned, seen_.job ? &*seen_.job : nullptr,
                             HistoryOf(dispatch_, view_), PermissionsNow());
      Describe(run.spec.module);
      if (create->stopped) {
        run.spec.stop_requested = api::StopRequest{.reason = *create->stopped, .at = now_.wall};
      }
      Add(CreateRequest{.type = api::Run::Type(), .object = api::ToBody(run), .field_manager = {}});
    } else if (const auto* stop = std::get_if<StopRun>(&decision.run)) {
      Json patch = Json::EmptyObject();
      patch["spec"].Set("stopRequested",
                        api::Encode(api::StopRequest{.reason = stop->reason, .at = now_.wall}));
      Add(GuardedPatch<api::Run>(seen_.run->metadata, std::move(patch)));
      Tell(api::Run::Type(), seen_.run->metadata, OccurrenceOf(dispatch_, stop->reason));
    }
  }

  api::Permissions PermissionsNow() const {
    const api::NamespacedRef& ref = dispatch_.spec.agent_ref;
    const auto agent = FindTyped<api::Agent>(view_, ref.namespace_name, ref.name);
    return agent ? agent->spec.permissions : api::Permissions::kDenyAll;
  }

  void Describe(api::RunModule& out) const {
    const auto module = FindTyped<api::Module>(view_, out.namespace_name, out.name);
    if (!module) {
      return;
    }
    out.display_name = module->spec.display_name;
    out.description = module->spec.description;
    if (module->spec.source) {
      out.repository = module->spec.source->repository;
      out.path = module->spec.source->path;
    }
  }

  void AddReleases(const Decision& decision) {
    const auto is_removed = [&](const api::Run& run) {
      return std::any_of(
          decision.remove.begin(), decision.remove.end(),
          [&](const api::Run& other) { return other.metadata.uid == run.metadata.uid; });
    };
    for (const api::Run& run : decision.release) {
      if (run.metadata.IsBeingDeleted() || !is_removed(run)) {
        Add(FinalizerPatch<api::Run>(run.metadata, api::finalizers::kRun, false));
      }
    }
    for (const api::Run& run : decision.remove) {
      if (!run.metadata.IsBeingDeleted()) {
        Add(GuardedDelete<api::Run>(run.metadata));
      }
    }
  }

  void Tell(const ResourceType& type, const ObjectMeta& about, const Occurrence& told) {
    plan_.effects.emplace_back(EventOf(type, about, told, now_.wall));
  }

  const Object& stored_;
  const api::Dispatch& dispatch_;
  const World& seen_;
  const View& view_;
  const Now now_;
  Plan plan_;
};

}  // namespace

Result<Plan> DispatchReconciler::Reconcile(const ObjectKey& key, const View& view, Now now) const {
  const Object stored = view.Find(key);
  if (!stored) {
    return Plan{};
  }
  const auto* dispatch = api::PeekObject<api::Dispatch>(stored);
  if (dispatch == nullptr) {
    return Fail(api::FromObject<api::Dispatch>(stored).error());
  }
  const World seen = Observe(*dispatch, view);
  return Effects(stored, *dispatch, seen, view, now).Of(PlanDispatch(*dispatch, seen, now));
}

}  // namespace midwatch::dispatch
