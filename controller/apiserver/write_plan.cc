#include "controller/apiserver/write_plan.h"

#include <algorithm>
#include <utility>

#include "controller/apiserver/body_check.h"
#include "controller/apiserver/core_rules.h"
#include "controller/apiserver/status_errors.h"
#include "controller/apiserver/strategic_merge.h"
#include "controller/base/text.h"
#include "controller/object/patch.h"
#include "controller/schema/field_manager.h"
#include "controller/schema/metadata.h"

namespace midwatch::apiserver {
namespace {

constexpr std::string_view kStatus = "status";
constexpr std::size_t kRoomToGrow = 512;  // Bytes that an object usually grows by in one write.
/// How the storage itself ends a Namespace: takes spec.finalizers from the body and nothing else.
constexpr std::string_view kFinalize = "finalize";

/// Set by the server alone: on an update they stay what they were.
constexpr std::string_view kServerFields[] = {"uid",
                                              "creationTimestamp",
                                              "deletionTimestamp",
                                              "deletionGracePeriodSeconds",
                                              "generation",
                                              "resourceVersion",
                                              "name",
                                              "namespace"};

/// What is equal already is left alone, so that `to` goes on sharing it.
void Keep(std::string_view field, const Json& from, Json& to, std::string_view part) {
  const Json* value = from.Find(field);
  const Json* present = part.empty() ? to.Find(field) : to.At(part).Find(field);
  if (value == nullptr ? present == nullptr : present != nullptr && *present == *value) {
    return;
  }
  Json& target = part.empty() ? to : to[part];
  if (value != nullptr) {
    target.Set(field, *value);
  } else {
    target.Erase(field);
  }
}

/// Go leaves empty members of metadata out.
void DropEmpty(Json& object) {
  for (const std::string_view field : {"labels", "annotations", "finalizers", "ownerReferences"}) {
    const Json* value = object.At("metadata").Find(field);
    if (value != nullptr && value->Items().empty() && value->Members().empty() &&
        (value->IsArray() || value->IsObject() || value->IsNull())) {
      object["metadata"].Erase(field);
    }
  }
}

/// True if something but metadata and status differs: that is a new generation.
bool SpecDiffers(const Json& a, const Json& b) {
  const auto is_rest = [](const Json::Member& member) {
    return member.name != "metadata" && member.name != kStatus;
  };
  const auto rest = [&](const Json& object) {
    return std::count_if(object.Members().begin(), object.Members().end(), is_rest);
  };
  return rest(a) != rest(b) ||
         std::any_of(a.Members().begin(), a.Members().end(), [&](const Json::Member& member) {
           const Json* other = is_rest(member) ? b.Find(member.name) : &member.value;
           return other == nullptr || *other != member.value;
         });
}

void WarnOfFinalizers(const ObjectMeta& meta, std::vector<std::string>& warnings) {
  for (const std::string& finalizer : meta.finalizers) {
    if (finalizer.find('/') == std::string::npos && finalizer != kForegroundFinalizer &&
        finalizer != kOrphanFinalizer) {
      warnings.push_back("metadata.finalizers: " + Quote(finalizer) +
                         ": prefer a domain-qualified finalizer name to avoid accidental conflicts "
                         "with other finalizer writers");
    }
  }
}

class Planner {
 public:
  Planner(const WriteCall& call, const Object& stored, const Admission& admit,
          const WriteContext& context)
      : call_(call),
        target_(call.target),
        resource_(*call.target.resource),
        type_(call.target.resource->type),
        admit_(admit),
        context_(context) {
    if (stored) {
      stored_ = stored.Body();
      stored_bytes_ = stored.bytes().size();
    }
  }

  /// Before anything is said about what is stored: errors would tell what is in it.
  Result<void> AdmitStored() const {
    const bool creates = std::holds_alternative<CreateBody>(call_.body);
    return creates || stored_.IsNull() ? Result<void>() : Admit(&stored_, nullptr);
  }

  Result<WritePlan> operator()(const CreateBody& body) {
    if (!target_.subresource.empty()) {
      return Fail(ErrorCode::kMethodNotAllowed,
                  "create is not supported on resources of kind " + Quote(type_.Resource()));
    }
    Json object = body.object;
    MIDWATCH_TRY(CheckType(resource_, object));
    MIDWATCH_TRY(CheckPlace(target_, object));
    MIDWATCH_TRY(CheckFields(call_, body.duplicates, object, plan_.warnings));
    if (!object.At("metadata", "resourceVersion").AsString().empty()) {
      return Fail(ErrorCode::kBadRequest,
                  "resourceVersion should not be set on objects to be created");
    }
    return Create(std::move(object), true);
  }

  Result<WritePlan> operator()(const UpdateBody& body) {
    if (stored_.IsNull()) {
      return Fail(NotFoundError(type_, target_.name));
    }
    Json object = body.object;
    MIDWATCH_TRY(CheckType(resource_, object));
    MIDWATCH_TRY(CheckPlace(target_, object));
    MIDWATCH_TRY(CheckFields(call_, body.duplicates, object, plan_.warnings));
    MIDWATCH_TRY(CheckVersion(object, !(resource_.builtin && type_.group.empty())));
    return Update(std::move(object), true);
  }

  Result<WritePlan> operator()(const PatchBody& body) {
    if (body.type == PatchType::kApply) {
      return Apply(body);
    }
    if (stored_.IsNull()) {
      return Fail(NotFoundError(type_, target_.name));
    }
    MIDWATCH_ASSIGN(Json object, Patched(body));
    MIDWATCH_TRY(CheckType(resource_, object));
    MIDWATCH_TRY(CheckPlace(target_, object));
    MIDWATCH_TRY(CheckFields(call_, body.duplicates, object, plan_.warnings));
    MIDWATCH_TRY(CheckVersion(object, false));
    return Update(std::move(object), true);
  }

  Result<WritePlan> operator()(const DeleteBody& body);

 private:
  schema::FieldWriter Writer() const {
    const std::string& manager = call_.options.field_manager;
    return {.manager = manager.empty() ? "unknown" : manager,
            .api_version = type_.ApiVersion(),
            .subresource = target_.subresource,
            .has_status_subresource = resource_.has_status,
            .now = context_.now};
  }
  bool CountsGenerations() const { return !resource_.builtin; }

  /// A create, by POST or by an apply that found nothing. `track`: the fields have no owners yet.
  Result<WritePlan> Create(Json object, bool track) {
    if (!stored_.IsNull()) {
      const bool deleting = !stored_.At("metadata", "deletionTimestamp").IsNull();
      return Fail(AlreadyExistsError(type_, target_.name, deleting));
    }
    Json& meta = object["metadata"];
    if (!meta.IsObject()) {
      return Fail(ReadMeta(resource_, object).error());
    }
    for (const std::string_view field : kServerFields) {
      if (field != "name" && field != "namespace") {
        meta.Erase(field);
      }
    }
    meta.Erase("selfLink");
    NameIt(meta);
    meta.Set("uid", context_.uid);
    meta.Set("creationTimestamp", FormatTime(context_.now));
    if (CountsGenerations()) {
      meta.Set("generation", 1);
    }
    if (resource_.has_status) {
      object.Erase(kStatus);
    }
    plan_.created = true;
    return Store(std::move(object), track);
  }

  void NameIt(Json& meta) const {
    const std::string base = meta.At("generateName").AsString();
    if (meta.At("name").AsString().empty() && !base.empty()) {
      meta.Set("name", std::string(Utf8Prefix(base, kMaxGeneratedBase)) + context_.name_suffix);
    }
  }

  /// UID and version that the body carries are those of the stored object.
  Result<void> CheckVersion(const Json& object, bool required) const {
    const Json& wanted = object.At("metadata");
    const Json& meta = stored_.At("metadata");
    if (const std::string& uid = wanted.At("uid").AsString();
        !uid.empty() && uid != meta.At("uid").AsString()) {
      return Fail(PreconditionError(type_, target_.name,
                                    "Precondition failed: UID in precondition: " + uid +
                                        ", UID in object meta: " + meta.At("uid").AsString()));
    }
    const std::string& version = wanted.At("resourceVersion").AsString();
    if (version.empty() && required) {
      return Fail(schema::InvalidObject(
          type_, target_.name,
          {schema::Invalid("metadata.resourceVersion", 0, "must be specified for an update")}));
    }
    if (!version.empty() && version != meta.At("resourceVersion").AsString()) {
      return Fail(ModifiedError(type_, target_.name));
    }
    return {};
  }

  Result<Json> Patched(const PatchBody& body) const {
    switch (body.type) {
      case PatchType::kMerge:
        if (!body.patch.IsObject()) {
          return Fail(ErrorCode::kBadRequest, "error decoding patch: expected an object, found " +
                                                  std::string(body.patch.TypeName()));
        }
        return ApplyMergePatch(stored_, body.patch);
      case PatchType::kStrategicMerge:
        return ApplyStrategicMerge(stored_, body.patch);
      default:
        return ApplyJsonPatch(stored_, body.patch);
    }
  }

  /// Server-side apply: of a new object, or onto the stored one.
  Result<WritePlan> Apply(const PatchBody& body) {
    Json applied = body.patch;
    MIDWATCH_TRY(CheckType(resource_, applied));
    MIDWATCH_TRY(CheckPlace(target_, applied));
    const bool exists = !stored_.IsNull();
    if (!exists && !target_.subresource.empty()) {
      return Fail(NotFoundError(type_, target_.name));
    }
    if (exists) {
      MIDWATCH_TRY(CheckVersion(applied, false));
    } else if (const std::string& uid = applied.At("metadata", "uid").AsString(); !uid.empty()) {
      return Fail(AbsentError(type_, target_.name, uid));
    }
    NarrowToSubresource(applied);
    MIDWATCH_ASSIGN(Json merged,
                    schema::ApplyConfiguration(resource_.schema, exists ? &stored_ : nullptr,
                                               applied, Writer(), body.force));
    return exists ? Update(std::move(merged), false) : Create(std::move(merged), false);
  }

  /// The part of an applied configuration that the path is about.
  void NarrowToSubresource(Json& applied) const {
    Json& meta = applied["metadata"];
    for (const std::string_view field : kServerFields) {
      if (field != "name" && field != "namespace") {
        meta.Erase(field);
      }
    }
    if (target_.subresource.empty()) {
      if (resource_.has_status) {
        applied.Erase(kStatus);
      }
      return;
    }
    std::erase_if(applied.MutableMembers(), [](const Json::Member& member) {
      return member.name != "apiVersion" && member.name != "kind" && member.name != "metadata" &&
             member.name != kStatus;
    });
    std::erase_if(meta.MutableMembers(), [](const Json::Member& member) {
      return member.name != "name" && member.name != "namespace" && member.name != "managedFields";
    });
  }

  /// The stored object with what the request may change, taken from `wanted`. `track`: who owns
  /// which field is worked out later, from what is stored.
  Json Merged(Json wanted, bool track) const {
    const Json& old_meta = stored_.At("metadata");
    if (target_.subresource.empty()) {
      for (const std::string_view field : kServerFields) {
        Keep(field, old_meta, wanted, "metadata");
      }
      wanted["metadata"].Erase("selfLink");
      KeepCore(resource_, stored_, wanted);
      if (resource_.has_status) {
        Keep(kStatus, stored_, wanted, {});
      }
      return wanted;
    }
    Json out = stored_;
    if (target_.subresource == kFinalize) {
      out["spec"].Set("finalizers", wanted.At("spec", "finalizers"));
      return out;
    }
    Keep(kStatus, wanted, out, {});
    if (!track) {
      Keep("managedFields", wanted.At("metadata"), out, "metadata");
    }
    return out;
  }

  Result<WritePlan> Update(Json wanted, bool track) {
    if (wanted.At("metadata") != stored_.At("metadata")) {
      MIDWATCH_TRY(ReadMeta(resource_, wanted));
    }
    return Store(Merged(std::move(wanted), track), track);
  }

  /// The last steps of whatever ends in an object: defaults, rules, owners of fields, admission.
  Result<WritePlan> Store(Json object, bool track) {
    const Json* old = stored_.IsNull() ? nullptr : &stored_;
    DropEmpty(object);
    PrepareCore(resource_, old == nullptr, object);
    resource_.schema.ApplyDefaults(object);
    MIDWATCH_TRY(Validate(object, old));
    if (track) {
      schema::TrackUpdate(resource_.schema, old, object, Writer());
    }
    if (old != nullptr) {
      if (CountsGenerations() && target_.subresource.empty() && SpecDiffers(*old, object)) {
        Json& meta = object["metadata"];
        meta.Set("generation", meta.At("generation").AsInt() + 1);
      }
      if (schema::SameForStorage(*old, object)) {
        MIDWATCH_TRY(Admit(old, old));
        plan_.name = target_.name;
        return std::move(plan_);
      }
    }
    const bool over = old != nullptr && !object.At("metadata", "deletionTimestamp").IsNull() &&
                      object.At("metadata", "finalizers").Items().empty() &&
                      !HeldBySpec(resource_, object);
    return Finish(std::move(object), over ? WriteOutcome::kRemove : WriteOutcome::kStore);
  }

  Result<void> Validate(const Json& object, const Json* old) {
    std::vector<schema::FieldError> errors;
    if (old == nullptr || object.At("metadata") != old->At("metadata")) {
      MIDWATCH_ASSIGN(errors, ValidateMeta(object, old));
    }
    const auto core = ValidateCore(resource_, object);
    errors.insert(errors.end(), core.begin(), core.end());
    errors = resource_.schema.Validate(object, old, std::move(errors));
    if (!errors.empty()) {
      HideValues(resource_, errors);
      return Fail(schema::InvalidObject(type_, object.At("metadata", "name").AsString(), errors));
    }
    return {};
  }

  Result<std::vector<schema::FieldError>> ValidateMeta(const Json& object, const Json* old) {
    MIDWATCH_ASSIGN(const ObjectMeta meta, ReadMeta(resource_, object));
    auto errors = schema::ValidateMetadata(meta, type_.namespaced);
    if (old != nullptr) {
      const auto more = schema::ValidateMetadataUpdate(meta, *ParseObjectMeta(old->At("metadata")));
      errors.insert(errors.end(), more.begin(), more.end());
    } else {
      WarnOfFinalizers(meta, plan_.warnings);
    }
    return errors;
  }

  Result<void> Admit(const Json* old, const Json* wanted) const {
    return admit_ ? admit_(old, wanted) : Result<void>();
  }

  Result<WritePlan> Finish(Json object, WriteOutcome outcome) {
    MIDWATCH_TRY(Admit(stored_.IsNull() ? nullptr : &stored_,
                       outcome == WriteOutcome::kRemove ? nullptr : &object));
    object["metadata"].Set("resourceVersion", "");
    MIDWATCH_ASSIGN(plan_.meta, ReadMeta(resource_, object));
    plan_.bytes.reserve(stored_bytes_ + kRoomToGrow);
    const bool exact = object.DumpTo(plan_.bytes);
    if (plan_.bytes.size() > context_.max_object_bytes) {
      return Fail(ErrorCode::kTooLarge,
                  "Request entity too large: the object has " + std::to_string(plan_.bytes.size()) +
                      " bytes, at most " + std::to_string(context_.max_object_bytes));
    }
    plan_.outcome = outcome;
    plan_.name = plan_.meta.name;
    plan_.api_version = object.At("apiVersion").AsString();
    plan_.kind = object.At("kind").AsString();
    if (exact) {
      plan_.body = std::move(object);
    }
    return std::move(plan_);
  }

  Result<void> CheckDelete(const DeleteBody& body) const;
  void SetPropagation(const std::string& policy, Json& meta) const;

  const WriteCall& call_;
  const Target& target_;
  const ResourceInfo& resource_;
  const ResourceType& type_;
  const Admission& admit_;
  const WriteContext& context_;
  Json stored_;  // Null: there is none.
  std::size_t stored_bytes_ = 0;
  WritePlan plan_;
};

Result<void> Planner::CheckDelete(const DeleteBody& body) const {
  const std::string& policy = body.propagation_policy;
  if (!policy.empty() && policy != "Background" && policy != "Foreground" && policy != "Orphan") {
    return Fail(InvalidOptions(
        "DeleteOptions", schema::NotSupported("propagationPolicy", policy,
                                              {"Foreground", "Background", "Orphan", "nil"})));
  }
  if (stored_.IsNull()) {
    return Fail(NotFoundError(type_, target_.name));
  }
  const Json& meta = stored_.At("metadata");
  const auto check = [&](std::string_view what, const std::string& wanted,
                         std::string_view field) -> Result<void> {
    const std::string& found = meta.At(field).AsString();
    if (wanted.empty() || wanted == found) {
      return {};
    }
    return Fail(PreconditionError(
        type_, target_.name,
        "the " + std::string(what) + " in the precondition (" + wanted + ") does not match the " +
            std::string(what) + " in record (" + found + "). The object might have been " +
            (field == "uid" ? "deleted and then recreated" : "modified")));
  };
  MIDWATCH_TRY(check("UID", body.preconditions.uid, "uid"));
  return check("ResourceVersion", body.preconditions.resource_version, "resourceVersion");
}

/// The finalizers that make the garbage collector carry out a policy before the object goes.
void Planner::SetPropagation(const std::string& policy, Json& meta) const {
  if (policy.empty()) {
    return;
  }
  Json kept = Json::EmptyArray();
  for (const Json& finalizer : meta.At("finalizers").Items()) {
    if (finalizer.AsString() != kForegroundFinalizer && finalizer.AsString() != kOrphanFinalizer) {
      kept.Append(finalizer);
    }
  }
  if (policy != "Background") {
    kept.Append(policy == "Orphan" ? kOrphanFinalizer : kForegroundFinalizer);
  }
  if (kept.Items().empty()) {
    meta.Erase("finalizers");
  } else {
    meta.Set("finalizers", std::move(kept));
  }
}

Result<WritePlan> Planner::operator()(const DeleteBody& body) {
  MIDWATCH_TRY(CheckDelete(body));
  if (!target_.subresource.empty()) {
    return Fail(ErrorCode::kMethodNotAllowed,
                "delete is not supported on resources of kind " + Quote(type_.Resource()));
  }
  if (!stored_.At("metadata", "deletionTimestamp").IsNull()) {
    MIDWATCH_TRY(Admit(&stored_, nullptr));
    plan_.name = target_.name;
    return std::move(plan_);  // It is on its way already.
  }
  Json object = stored_;
  Json& meta = object["metadata"];
  SetPropagation(body.propagation_policy, meta);
  if (meta.At("finalizers").Items().empty() && !HeldBySpec(resource_, object)) {
    return Finish(std::move(object), WriteOutcome::kRemove);
  }
  meta.Set("deletionTimestamp", FormatTime(context_.now));
  meta.Set("deletionGracePeriodSeconds", 0);
  if (CountsGenerations()) {
    meta.Set("generation", meta.At("generation").AsInt() + 1);
  }
  BeginDeletion(resource_, object);
  return Finish(std::move(object), WriteOutcome::kStore);
}

}  // namespace

Result<WritePlan> PlanWrite(const WriteCall& call, const Object& stored, const Admission& admit,
                            const WriteContext& context) {
  MIDWATCH_TRY(CheckOptions(call));
  if (call.target.subresource == kStatus && !call.target.resource->has_status) {
    return Fail(NotFoundError(call.target.resource->type, call.target.name));
  }
  Planner planner(call, stored, admit, context);
  MIDWATCH_TRY(planner.AdmitStored());
  return std::visit(planner, call.body);
}

}  // namespace midwatch::apiserver
