#include "controller/apiserver/collector.h"

#include <algorithm>

#include "controller/apiserver/core_rules.h"
#include "controller/apiserver/write_plan.h"

namespace midwatch::apiserver {
namespace {

Target TargetOf(const Version& version, std::string subresource = {}) {
  return {.resource = &version.resource(),
          .namespace_name = version.key().namespace_name,
          .name = version.key().name,
          .subresource = std::move(subresource)};
}

WriteCall DeleteCall(const Version& version, std::string policy) {
  return {
      .identity = Identity::Controller(),
      .target = TargetOf(version),
      .body = DeleteBody{.preconditions = {.uid = version.object().uid(),
                                           .resource_version = std::to_string(version.revision())},
                         .propagation_policy = std::move(policy)},
      .options = {}};
}

/// A merge patch of the very version that was looked at.
WriteCall PatchCall(const Version& version, Json patch, std::string subresource = {}) {
  patch["metadata"].Set("uid", version.object().uid());
  patch["metadata"].Set("resourceVersion", std::to_string(version.revision()));
  WriteCall call{.identity = Identity::Controller(),
                 .target = TargetOf(version, std::move(subresource)),
                 .body = PatchBody{.type = PatchType::kMerge,
                                   .patch = std::move(patch),
                                   .force = false,
                                   .duplicates = {}},
                 .options = {}};
  call.options.field_manager = "midwatch-collector";
  return call;
}

WriteCall WithoutFinalizer(const Version& version, std::string_view finalizer) {
  Json kept = Json::EmptyArray();
  for (const std::string& other : version.object().meta().finalizers) {
    if (other != finalizer) {
      kept.Append(other);
    }
  }
  return PatchCall(version, Json::Of({{"metadata", Json::Of({{"finalizers", std::move(kept)}})}}));
}

template <typename Drop>
WriteCall WithoutOwners(const Version& version, Drop drop) {
  ObjectMeta kept;
  for (const OwnerReference& owner : version.object().meta().owner_references) {
    if (!drop(owner)) {
      kept.owner_references.push_back(owner);
    }
  }
  Json references = ToJson(kept).At("ownerReferences");
  return PatchCall(
      version, Json::Of({{"metadata", Json::Of({{"ownerReferences", std::move(references)}})}}));
}

bool IsNamespace(const Version& version) { return version.key().resource == kNamespaces; }

bool Blocks(const Version& dependent, const std::string& owner_uid) {
  const auto& owners = dependent.object().meta().owner_references;
  return std::any_of(owners.begin(), owners.end(), [&](const OwnerReference& owner) {
    return owner.uid == owner_uid && owner.block_owner_deletion;
  });
}

/// True if the change is none of the collector's: owners are as they were, nothing is being deleted
/// and nothing expires. So it is with nearly every change.
bool ChangesNothingHere(const Change& change) {
  if (change.deleted || change.before == nullptr) {
    return false;
  }
  const Version& after = *change.after;
  const ObjectMeta& was = change.before->object().meta();
  const ObjectMeta& is = after.object().meta();
  return was.uid == is.uid && was.owner_references == is.owner_references &&
         !was.IsBeingDeleted() && !is.IsBeingDeleted() && !IsNamespace(after) &&
         !(after.resource().builtin && after.key().resource == kEvents);
}

bool WaitsForDependents(const Version& owner) {
  const ObjectMeta& meta = owner.object().meta();
  return meta.IsBeingDeleted() && meta.HasFinalizer(kForegroundFinalizer);
}

}  // namespace

Collector::Collector(const DurableState& state, Duration event_ttl)
    : state_(state), event_ttl_(event_ttl) {}

void Collector::Start() {
  for (const auto& resource : state_.registry().All()) {
    const auto& all = state_.table(*resource).all();
    unindexed_.insert(unindexed_.end(), all.begin(), all.end());
  }
}

bool Collector::IndexSlice() {
  for (std::size_t i = 0; i < kIndexSlice && !unindexed_.empty(); ++i) {
    const VersionPtr version = std::move(unindexed_.back());
    unindexed_.pop_back();
    const VersionPtr newest = FindKey(version->key());
    if (newest == version) {  // Otherwise OnChange has seen a later one.
      Index(version);
    }
  }
  return !unindexed_.empty();
}

void Collector::Index(const VersionPtr& version) {
  const ObjectMeta& meta = version->object().meta();
  live_[meta.uid] = version->key();
  for (const OwnerReference& owner : meta.owner_references) {
    dependents_[owner.uid].insert(version->key());
  }
  if (IsNamespace(*version) && meta.IsBeingDeleted() && !terminating_.contains(meta.name)) {
    terminating_.emplace(meta.name, ContentOf(meta.name));
  }
  if (!meta.owner_references.empty() || meta.IsBeingDeleted()) {
    Look(version->key());
  }
  Schedule(*version);
}

void Collector::Schedule(const Version& version) {
  if (version.resource().builtin && version.key().resource == kEvents) {
    const auto expiry = ExpiryOf(version.resource(), version.object().Body(), event_ttl_);
    expiries_.emplace(*expiry, version.key());
  }
}

void Collector::Forget(const VersionPtr& version) {
  for (const OwnerReference& owner : version->object().meta().owner_references) {
    const auto found = dependents_.find(owner.uid);
    if (found != dependents_.end() && found->second.erase(version->key()) > 0 &&
        found->second.empty()) {
      dependents_.erase(found);
    }
  }
}

void Collector::OnChange(const Change& change) {
  const ObjectKey& key = change.after->key();
  const bool nothing = live_.contains(change.after->object().uid()) && ChangesNothingHere(change);
  if (change.before != nullptr && !nothing) {
    Forget(change.before);
    LookAtOwners(*change.before);
  }
  if (nothing) {
    // What was found out when it was indexed stands.
  } else if (change.deleted) {
    const std::string& uid = change.after->object().uid();
    live_.erase(uid);
    for (const ObjectKey& dependent : DependentsOf(uid)) {
      Look(dependent);
    }
    if (IsNamespace(*change.after)) {
      terminating_.erase(key.name);
    }
  } else {
    Index(change.after);
  }
  NoteContent(change);
}

/// Keeps what is left to do in a namespace that is being deleted: what is written there is no more
/// to be found by looking through all of it.
void Collector::NoteContent(const Change& change) {
  const ObjectKey& key = change.after->key();
  const auto space = terminating_.find(key.namespace_name);
  if (space == terminating_.end()) {
    return;
  }
  if (change.deleted || change.after->object().meta().IsBeingDeleted()) {
    space->second.erase(key);
  } else {
    space->second.insert(key);
  }
  Look({std::string(kNamespaces), {}, key.namespace_name});
}

void Collector::Look(const ObjectKey& key) {
  if (queued_.insert(key).second) {
    queue_.push_back(key);
  }
}

void Collector::LookAtOwners(const Version& version) {
  for (const OwnerReference& owner : version.object().meta().owner_references) {
    if (const auto found = live_.find(owner.uid); found != live_.end()) {
      Look(found->second);
    }
  }
}

const Collector::Keys& Collector::DependentsOf(const std::string& uid) const {
  static const Keys kNone;
  const auto found = dependents_.find(uid);
  return found == dependents_.end() ? kNone : found->second;
}

VersionPtr Collector::FindKey(const ObjectKey& key) const {
  const ResourceInfo* resource = state_.registry().FindResource(key.resource);
  return resource == nullptr ? nullptr
                             : state_.table(*resource).Find({key.namespace_name, key.name});
}

std::optional<VersionPtr> Collector::FindOwner(const OwnerReference& owner,
                                               const Version& dependent) const {
  if (state_.registry().FindKind(owner.api_version, owner.kind) == nullptr) {
    return std::nullopt;
  }
  const auto found = live_.find(owner.uid);
  if (found == live_.end() || (!found->second.namespace_name.empty() &&
                               found->second.namespace_name != dependent.key().namespace_name)) {
    return VersionPtr();
  }
  return FindKey(found->second);
}

void Collector::WakeDue(Now now) {
  while (!retries_.empty() && retries_.begin()->first <= now.mono) {
    Look(retries_.begin()->second);
    retries_.erase(retries_.begin());
  }
  while (!expiries_.empty() && expiries_.begin()->first <= now.wall) {
    Look(expiries_.begin()->second);
    expiries_.erase(expiries_.begin());
  }
}

std::optional<WriteCall> Collector::Next(Now now) {
  if (IndexSlice()) {
    return std::nullopt;
  }
  WakeDue(now);
  while (!queue_.empty() && outstanding_.size() < kMaxOutstanding) {
    const ObjectKey key = std::move(queue_.front());
    queue_.pop_front();
    queued_.erase(key);
    const VersionPtr version = outstanding_.contains(key) ? nullptr : FindKey(key);
    auto call = version == nullptr ? std::nullopt : Decide(*version, now);
    if (call) {
      const Target& target = call->target;
      ObjectKey written{target.resource->type.Resource(), target.namespace_name, target.name};
      if (written != key) {
        Look(key);  // There may be more to do for it.
      }
      outstanding_.insert(std::move(written));
      return call;
    }
  }
  return std::nullopt;
}

void Collector::OnDone(const ObjectKey& key, const Result<WriteAnswer>& result, MonoTime now) {
  outstanding_.erase(key);
  if (result || result.error().code == ErrorCode::kNotFound) {
    return;
  }
  const MonoTime again =
      now + (result.error().code == ErrorCode::kConflict ? kRetryConflict : kRetry);
  retries_.emplace(again, key);
  if (terminating_.contains(key.namespace_name)) {
    retries_.emplace(again, ObjectKey{std::string(kNamespaces), {}, key.namespace_name});
  }
  if (const VersionPtr version = FindKey(key)) {
    for (const OwnerReference& owner : version->object().meta().owner_references) {
      if (const auto found = live_.find(owner.uid); found != live_.end()) {
        retries_.emplace(again, found->second);
      }
    }
  }
}

std::optional<WriteCall> Collector::Decide(const Version& version, Now now) {
  const ObjectMeta& meta = version.object().meta();
  if (meta.IsBeingDeleted()) {
    return IsNamespace(version) ? DecideNamespace(version) : DecideOwner(version);
  }
  if (!meta.owner_references.empty()) {
    if (auto call = DecideDependent(version)) {
      return call;
    }
  }
  return version.resource().builtin && version.key().resource == kEvents
             ? DecideExpiry(version, now)
             : std::nullopt;
}

std::optional<WriteCall> Collector::DecideOwner(const Version& owner) {
  const ObjectMeta& meta = owner.object().meta();
  if (meta.HasFinalizer(kOrphanFinalizer)) {
    return OrphanNext(owner);
  }
  return meta.HasFinalizer(kForegroundFinalizer) ? DeleteNext(owner) : std::nullopt;
}

/// Takes the owner out of its dependents, then lets it go.
std::optional<WriteCall> Collector::OrphanNext(const Version& owner) {
  const std::string& uid = owner.object().uid();
  for (const ObjectKey& key : DependentsOf(uid)) {
    const VersionPtr dependent = FindKey(key);
    if (dependent != nullptr && !outstanding_.contains(key)) {
      return WithoutOwners(*dependent, [&](const OwnerReference& o) { return o.uid == uid; });
    }
  }
  return DependentsOf(uid).empty() ? std::optional(WithoutFinalizer(owner, kOrphanFinalizer))
                                   : std::nullopt;
}

/// Deletes its dependents; lets it go when none is left that blocks it.
std::optional<WriteCall> Collector::DeleteNext(const Version& owner) {
  const std::string& uid = owner.object().uid();
  bool blocked = false;
  for (const ObjectKey& key : DependentsOf(uid)) {
    const VersionPtr dependent = FindKey(key);
    if (dependent == nullptr) {
      continue;
    }
    blocked = blocked || Blocks(*dependent, uid);
    if (!dependent->object().meta().IsBeingDeleted() && !outstanding_.contains(key)) {
      const bool owns = !DependentsOf(dependent->object().uid()).empty();
      return DeleteCall(*dependent, owns ? "Foreground" : "Background");
    }
  }
  return blocked ? std::nullopt : std::optional(WithoutFinalizer(owner, kForegroundFinalizer));
}

std::optional<WriteCall> Collector::DecideDependent(const Version& dependent) {
  std::set<std::string> lost;
  bool kept = false;
  bool waited_for = false;
  for (const OwnerReference& reference : dependent.object().meta().owner_references) {
    const auto owner = FindOwner(reference, dependent);
    if (owner && *owner == nullptr) {
      lost.insert(reference.uid);
    } else if (owner && WaitsForDependents(**owner)) {
      lost.insert(reference.uid);
      waited_for = true;
    } else {
      kept = true;
    }
  }
  if (lost.empty()) {
    return std::nullopt;
  }
  if (kept) {
    return WithoutOwners(dependent,
                         [&](const OwnerReference& owner) { return lost.contains(owner.uid); });
  }
  const bool owns = !DependentsOf(dependent.object().uid()).empty();
  return DeleteCall(dependent, waited_for && owns ? "Foreground" : "Background");
}

Collector::Keys Collector::ContentOf(const std::string& space) const {
  Keys content;
  for (const auto& resource : state_.registry().All()) {
    const auto& all = state_.table(*resource).all();
    for (auto at = all.lower_bound(ObjectTable::Name{space, {}});
         resource->type.namespaced && at != all.end() && (*at)->key().namespace_name == space;
         ++at) {
      if (!(*at)->object().meta().IsBeingDeleted()) {
        content.insert((*at)->key());
      }
    }
  }
  return content;
}

bool Collector::IsEmpty(const std::string& space) const {
  const auto& resources = state_.registry().All();
  return std::none_of(resources.begin(), resources.end(), [&](const auto& resource) {
    const auto& all = state_.table(*resource).all();
    const auto first = all.lower_bound(ObjectTable::Name{space, {}});
    return resource->type.namespaced && first != all.end() &&
           (*first)->key().namespace_name == space;
  });
}

std::optional<WriteCall> Collector::DecideNamespace(const Version& space) {
  const std::string& name = space.key().name;
  for (const ObjectKey& key : terminating_.at(name)) {
    const VersionPtr version = outstanding_.contains(key) ? nullptr : FindKey(key);
    if (version != nullptr) {
      return DeleteCall(*version, "Background");
    }
  }
  if (!IsEmpty(name) || space.object().Body().At("spec", "finalizers").Items().empty()) {
    return std::nullopt;
  }
  return PatchCall(space, Json::Of({{"spec", Json::Of({{"finalizers", Json::EmptyArray()}})}}),
                   "finalize");
}

std::optional<WriteCall> Collector::DecideExpiry(const Version& event, Now now) {
  const auto expiry = ExpiryOf(event.resource(), event.object().Body(), event_ttl_);
  if (*expiry <= now.wall) {
    return DeleteCall(event, "Background");
  }
  expiries_.emplace(*expiry, event.key());
  return std::nullopt;
}

bool Collector::Busy(Now now) const {
  const bool room = outstanding_.size() < kMaxOutstanding;
  return !unindexed_.empty() || (room && !queue_.empty()) ||
         (!retries_.empty() && retries_.begin()->first <= now.mono) ||
         (!expiries_.empty() && expiries_.begin()->first <= now.wall);
}

std::optional<MonoTime> Collector::NextWake(Now last) const {
  std::optional<MonoTime> next;
  if (!retries_.empty()) {
    next = retries_.begin()->first;
  }
  if (!expiries_.empty()) {
    const MonoTime expiry = last.mono + (expiries_.begin()->first - last.wall);
    next = next ? std::min(*next, expiry) : expiry;
  }
  return next;
}

}  // namespace midwatch::apiserver
