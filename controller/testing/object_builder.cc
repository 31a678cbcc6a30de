#include "controller/testing/object_builder.h"

#include "controller/base/check.h"
#include "controller/base/text.h"

namespace midwatch::fakes {
namespace {

Json& At(Json& root, std::string_view path) {
  Json* at = &root;
  for (const std::string_view name : Split(path, '.')) {
    at = &(*at)[name];
  }
  return *at;
}

}  // namespace

ObjectBuilder::ObjectBuilder(const ResourceType& type, std::string_view name,
                             std::string_view namespace_name) {
  body_.Set("apiVersion", type.ApiVersion());
  body_.Set("kind", type.kind);
  Meta().Set("name", name);
  if (!namespace_name.empty()) {
    Meta().Set("namespace", namespace_name);
  }
  Uid("uid-" + std::string(name)).Version(1).Generation(1);
}

Json& ObjectBuilder::Meta() { return body_["metadata"]; }

ObjectBuilder& ObjectBuilder::Uid(std::string_view uid) {
  Meta().Set("uid", uid);
  return *this;
}

ObjectBuilder& ObjectBuilder::Version(std::int64_t version) {
  Meta().Set("resourceVersion", std::to_string(version));
  return *this;
}

ObjectBuilder& ObjectBuilder::Generation(std::int64_t generation) {
  Meta().Set("generation", generation);
  return *this;
}

ObjectBuilder& ObjectBuilder::Label(std::string_view name, std::string_view value) {
  Meta()["labels"].Set(name, value);
  return *this;
}

ObjectBuilder& ObjectBuilder::Annotation(std::string_view name, std::string_view value) {
  Meta()["annotations"].Set(name, value);
  return *this;
}

ObjectBuilder& ObjectBuilder::Finalizer(std::string_view finalizer) {
  Meta()["finalizers"].Append(finalizer);
  return *this;
}

ObjectBuilder& ObjectBuilder::OwnedBy(const Object& owner, bool controller) {
  Json reference = Json::Of({{"apiVersion", owner.api_version()},
                             {"kind", owner.kind()},
                             {"name", owner.name()},
                             {"uid", owner.uid()}});
  if (controller) {
    reference.Set("controller", true);
    reference.Set("blockOwnerDeletion", true);
  }
  Meta()["ownerReferences"].Append(std::move(reference));
  return *this;
}

ObjectBuilder& ObjectBuilder::Created(WallTime time) {
  Meta().Set("creationTimestamp", FormatTime(time));
  return *this;
}

ObjectBuilder& ObjectBuilder::Deleted(WallTime time) {
  Meta().Set("deletionTimestamp", FormatTime(time));
  return *this;
}

ObjectBuilder& ObjectBuilder::Spec(std::string_view path, Json value) {
  At(body_["spec"], path) = std::move(value);
  return *this;
}

ObjectBuilder& ObjectBuilder::Status(std::string_view path, Json value) {
  At(body_["status"], path) = std::move(value);
  return *this;
}

ObjectBuilder& ObjectBuilder::Set(std::string_view path, Json value) {
  At(body_, path) = std::move(value);
  return *this;
}

Json ObjectBuilder::Draft() const {
  Json draft = body_;
  Json& meta = draft["metadata"];
  meta.Erase("uid");
  meta.Erase("resourceVersion");
  meta.Erase("generation");
  return draft;
}

Object ObjectBuilder::Build() const {
  Result<Object> object = Object::FromJson(body_);
  MIDWATCH_CHECK(object.has_value());
  return *std::move(object);
}

}  // namespace midwatch::fakes
