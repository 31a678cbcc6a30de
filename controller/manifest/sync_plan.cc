#include "controller/manifest/sync_plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>

#include "controller/base/digest.h"
#include "controller/base/text.h"
#include "controller/manifest/field_message.h"
#include "controller/manifest/ordering.h"
#include "controller/manifest/server_fields.h"
#include "controller/schema/field_manager.h"

namespace midwatch::manifest {
namespace {

constexpr std::string_view kNamespaces = "namespaces";

std::string_view Value(const std::map<std::string, std::string, std::less<>>& map,
                       const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? std::string_view() : std::string_view(found->second);
}

Json Marked(const SyncSource& source, std::string_view label, const Manifest& manifest,
            bool adopted) {
  Json body = manifest.object.Body();
  Json& metadata = body["metadata"];
  metadata["labels"].Set(source.marks.source_label, label);
  Json& annotations = metadata["annotations"];
  annotations.Set(source.marks.identity_annotation, source.identity);
  annotations.Set(source.marks.adopted_annotation, adopted ? "true" : "false");
  annotations.Set(source.marks.file_annotation, manifest.path);
  return body;
}

class Planner {
 public:
  explicit Planner(const SyncInput& input)
      : input_(input), source_(input.source), label_(SourceLabel(source_.identity)) {}

  SyncPlan Run() {
    plan_.errors = input_.declared.errors;
    for (const Manifest* manifest : input_.declared.manifests) {
      Compare(*manifest);
    }
    SortSteps(plan_.steps, false);
    Prune();
    SortErrors(plan_.errors);
    Settle();
    return std::move(plan_);
  }

 private:
  void AddError(const Manifest& manifest, ManifestErrorCode code, std::string field,
                std::string message) {
    plan_.errors.push_back(
        {code, manifest.path, manifest.at, manifest.key,
         ShowObject(manifest.type, manifest.key.namespace_name, manifest.key.name),
         std::move(field), std::move(message)});
  }

  void Compare(const Manifest& manifest) {
    const std::optional<Object> live = input_.find(manifest.key);
    if (!live) {
      SyncStep step = StepFor(SyncVerb::kCreate, manifest);
      if (!input_.lazy_creates) {
        step.body = Marked(source_, label_, manifest, false);
        step.after = step.body;
      }
      plan_.steps.push_back(std::move(step));
      return;
    }
    if (input_.memo != nullptr && input_.memo->Knows(manifest, *live)) {
      plan_.memo.Note(manifest, *live);
      ++plan_.unchanged;
    } else if (live->meta().IsBeingDeleted()) {
      plan_.waiting.push_back(manifest.key);
    } else if (MayWrite(manifest, live->meta())) {
      CompareBodies(manifest, *live);
    }
  }

  static std::string Show(const Manifest& manifest) {
    return ShowObject(manifest.type, manifest.key.namespace_name, manifest.key.name);
  }

  /// A source that was deleted has left its mark on its objects, and nobody else takes it off.
  std::string WhatIfGone(std::string_view identity) const {
    const auto source = ParseNamespacedKey(identity);
    const bool gone = source && !input_.find(*source);
    return gone ? ", which is gone: declare that again, or remove " + source_.marks.source_label +
                      " and " + source_.marks.identity_annotation + " from the object"
                : "";
  }

  bool MayWrite(const Manifest& manifest, const ObjectMeta& live) {
    const Ownership ownership = OwnershipOf(source_, label_, live);
    if (ownership == Ownership::kOther) {
      const std::string_view other = Value(live.annotations, source_.marks.identity_annotation);
      AddError(manifest, ManifestErrorCode::kNotOwned, {},
               Show(manifest) + (other.empty() || other == source_.identity
                                     ? " carries the mark of another source"
                                     : " belongs to " + Quote(other) + WhatIfGone(other)));
      return false;
    }
    if (ownership == Ownership::kNobody && !source_.adopt) {
      AddError(manifest, ManifestErrorCode::kNotOwned, {},
               Show(manifest) + " exists and belongs to no source, set spec.adopt to take it over");
      return false;
    }
    return true;
  }

  void CompareBodies(const Manifest& manifest, const Object& live) {
    const bool adopts = OwnershipOf(source_, label_, live.meta()) == Ownership::kNobody;
    // Who made the object is not known if the note is gone: then it is not ours to prune.
    const bool adopted =
        Value(live.meta().annotations, source_.marks.adopted_annotation) != "false";
    SyncStep step = StepFor(SyncVerb::kUpdate, manifest);
    step.body = Marked(source_, label_, manifest, adopted);
    step.before = live.Body();
    Result<Json> after = Applied(manifest, step.before, step.body);
    if (!after) {
      return AddError(manifest, ManifestErrorCode::kInvalidField, {}, after.error().message);
    }
    if (schema::SameForStorage(step.before, *after)) {
      plan_.memo.Note(manifest, live);
      ++plan_.unchanged;
      return;
    }
    if (!IsValidChange(manifest, step.before, *after)) {
      return;
    }
    step.after = *std::move(after);
    step.uid = live.uid();
    step.resource_version = live.resource_version();
    step.adopts = adopts;
    plan_.steps.push_back(std::move(step));
  }

  const ManifestKind& KindOf(const Manifest& manifest) const {
    return *input_.schemas.Find(manifest.type.ApiVersion(), manifest.type.kind);
  }

  /// What the server would store.
  Result<Json> Applied(const Manifest& manifest, const Json& before, const Json& body) const {
    const ManifestKind& kind = KindOf(manifest);
    const schema::FieldWriter writer{.manager = source_.field_manager,
                                     .api_version = manifest.type.ApiVersion(),
                                     .subresource = {},
                                     .has_status_subresource = kind.has_status,
                                     .now = input_.now};
    MIDWATCH_ASSIGN(Json after,
                    schema::ApplyConfiguration(kind.schema, &before, body, writer, true));
    kind.schema.Prune(after);
    kind.schema.ApplyDefaults(after);
    return after;
  }

  /// Fields that may not change.
  bool IsValidChange(const Manifest& manifest, const Json& before, const Json& after) {
    const std::vector<schema::FieldError> errors = KindOf(manifest).schema.Validate(after, &before);
    const bool secret = IsSecret(after);
    for (const schema::FieldError& error : errors) {
      AddError(manifest, ManifestErrorCode::kInvalidField,
               error.field == "<nil>" ? "" : error.field,
               secret ? "the change is not allowed (the value is not shown)" : FieldMessage(error));
    }
    return errors.empty();
  }

  /// Sorts places: a step is large.
  static void SortSteps(std::vector<SyncStep>& steps, bool backwards) {
    std::vector<SyncStep*> order;
    order.reserve(steps.size());
    for (SyncStep& step : steps) {
      order.push_back(&step);
    }
    std::sort(order.begin(), order.end(), [](const SyncStep* a, const SyncStep* b) {
      return std::tie(a->order, a->key) < std::tie(b->order, b->key);
    });
    if (backwards) {
      std::reverse(order.begin(), order.end());
    }
    std::vector<SyncStep> sorted;
    sorted.reserve(steps.size());
    for (SyncStep* step : order) {
      sorted.push_back(std::move(*step));
    }
    steps = std::move(sorted);
  }

  int OrderOf(const ResourceType& type) {
    const auto [at, added] = orders_.try_emplace(type.kind, 0);
    at->second = added ? WriteStep(type) : at->second;
    return at->second;
  }

  SyncStep StepFor(SyncVerb verb, const Manifest& manifest) {
    SyncStep step;
    step.verb = verb;
    step.key = manifest.key;
    step.type = manifest.type;
    step.order = OrderOf(step.type);
    step.manifest = &manifest;
    step.path = manifest.path;
    step.at = manifest.at;
    return step;
  }

  void NoteDeclared() {
    for (const Manifest* manifest : input_.declared.manifests) {
      declared_.insert(manifest->key);
      used_namespaces_.insert(manifest->key.namespace_name);
    }
    for (const ManifestError& error : plan_.errors) {
      if (error.key) {
        invalid_.insert(*error.key);
        used_namespaces_.insert(error.key->namespace_name);
      }
    }
  }

  std::optional<KeptReason> WhyKept(const ObjectKey& key, const ObjectMeta& live) const {
    if (!source_.prune) {
      return KeptReason::kPruneOff;
    }
    if (invalid_.contains(key)) {
      return KeptReason::kInvalid;
    }
    if (!input_.declared.complete) {
      return KeptReason::kIncomplete;
    }
    if (input_.declared.manifests.empty() && !source_.allow_empty) {
      return KeptReason::kEmptySet;
    }
    if (key.resource == kNamespaces) {
      if (!source_.prune_namespaces) {
        return KeptReason::kNamespace;
      }
      if (used_namespaces_.contains(key.name)) {
        return KeptReason::kNamespaceInUse;
      }
    }
    const bool ours = Value(live.annotations, source_.marks.adopted_annotation) == "false";
    return ours || source_.prune_adopted ? std::nullopt : std::optional(KeptReason::kAdopted);
  }

  void Prune() {
    NoteDeclared();
    std::vector<SyncStep> prunes;
    for (const auto& [key, live] : input_.inventory) {
      const ManifestKind* kind = input_.schemas.FindResource(key.resource);
      const bool marked =
          Value(live.meta().labels, source_.marks.source_label) == label_ &&
          Value(live.meta().annotations, source_.marks.identity_annotation) == source_.identity;
      if (!marked || kind == nullptr || declared_.contains(key) || live.meta().IsBeingDeleted()) {
        continue;
      }
      if (const auto reason = WhyKept(key, live.meta())) {
        plan_.kept.push_back({key, *reason});
        continue;
      }
      SyncStep step;
      step.verb = SyncVerb::kPrune;
      step.key = key;
      step.type = kind->type;
      step.order = OrderOf(step.type);
      step.before = live.Body();
      step.uid = live.uid();
      step.resource_version = live.resource_version();
      step.path = Value(live.meta().annotations, source_.marks.file_annotation);
      prunes.push_back(std::move(step));
    }
    SortSteps(prunes, true);
    std::move(prunes.begin(), prunes.end(), std::back_inserter(plan_.steps));
    std::sort(plan_.kept.begin(), plan_.kept.end(),
              [](const KeptObject& a, const KeptObject& b) { return a.key < b.key; });
  }

  void Settle() {
    plan_.refused = !source_.skip_invalid && !plan_.errors.empty();
    if (plan_.refused) {
      plan_.steps.clear();
    }
    for (const SyncStep& step : plan_.steps) {
      plan_.created += step.verb == SyncVerb::kCreate ? 1 : 0;
      plan_.updated += step.verb == SyncVerb::kUpdate ? 1 : 0;
      plan_.pruned += step.verb == SyncVerb::kPrune ? 1 : 0;
    }
  }

  const SyncInput& input_;
  const SyncSource& source_;
  const std::string label_;
  std::unordered_set<ObjectKey, ObjectKeyHash> declared_;
  std::unordered_set<ObjectKey, ObjectKeyHash> invalid_;
  std::set<std::string, std::less<>> used_namespaces_;
  std::map<std::string, int, std::less<>> orders_;  // Of the kinds seen.
  SyncPlan plan_;
};

}  // namespace

std::string SourceLabel(std::string_view identity) {
  constexpr std::size_t kLength = 32;  // 160 bits: nobody finds another identity with that label.
  return ShortHash(identity, kLength);
}

Ownership OwnershipOf(const SyncSource& source, std::string_view label, const ObjectMeta& live) {
  const std::string_view marked = Value(live.labels, source.marks.source_label);
  const std::string_view identity = Value(live.annotations, source.marks.identity_annotation);
  if (marked.empty() && identity.empty()) {
    return Ownership::kNobody;
  }
  const bool label_fits = marked.empty() || marked == label;
  const bool identity_fits = identity.empty() || identity == source.identity;
  return label_fits && identity_fits ? Ownership::kOurs : Ownership::kOther;
}

bool SyncMemo::Knows(const Manifest& declared, const Object& live) const {
  const auto found = known_.find(declared.key);
  if (found == known_.end()) {
    return false;
  }
  const Pair& pair = found->second;
  return pair.resource_version == live.resource_version() && pair.uid == live.uid() &&
         pair.path == declared.path &&
         (pair.declared.SameRecord(declared.object) ||
          pair.declared.bytes() == declared.object.bytes());
}

void SyncMemo::Note(const Manifest& declared, const Object& live) {
  known_.insert_or_assign(
      declared.key, Pair{declared.object, declared.path, live.uid(), live.resource_version()});
}

std::string_view NameOf(KeptReason reason) {
  constexpr std::array<std::string_view, 7> kNames = {
      "PruneOff", "EmptySet", "Incomplete", "Invalid", "Namespace", "NamespaceInUse", "Adopted"};
  return kNames.at(static_cast<std::size_t>(reason));
}

Json CreateBody(const SyncSource& source, std::string_view label, const Manifest& manifest) {
  return Marked(source, label, manifest, false);
}

SyncPlan PlanSync(const SyncInput& input) { return Planner(input).Run(); }

}  // namespace midwatch::manifest
