#pragma once

#include <string>
#include <string_view>

#include "controller/base/time.h"
#include "controller/object/object.h"
#include "controller/object/resource_type.h"

namespace midwatch::fakes {

/// An object in one expression. Unless told otherwise its uid is `uid-<name>`, its resourceVersion
/// 1, its generation 1.
///
///   ObjectBuilder(kModule, "database", "payments").Spec("displayName", "DB").Status("state",
///   "Ok").Build()
class ObjectBuilder {
 public:
  ObjectBuilder(const ResourceType& type, std::string_view name,
                std::string_view namespace_name = {});

  ObjectBuilder& Uid(std::string_view uid);
  ObjectBuilder& Version(std::int64_t version);
  ObjectBuilder& Generation(std::int64_t generation);
  ObjectBuilder& Label(std::string_view name, std::string_view value);
  ObjectBuilder& Annotation(std::string_view name, std::string_view value);
  ObjectBuilder& Finalizer(std::string_view finalizer);
  ObjectBuilder& OwnedBy(const Object& owner, bool controller = true);
  ObjectBuilder& Created(WallTime time);
  ObjectBuilder& Deleted(WallTime time);
  /// Sets a member under `spec`; a path of names is joined by dots: `agentRef.name`.
  ObjectBuilder& Spec(std::string_view path, Json value);
  ObjectBuilder& Status(std::string_view path, Json value);
  /// Sets any member: `data.key`, `webhooks`.
  ObjectBuilder& Set(std::string_view path, Json value);

  /// For a create or update request: without uid, resourceVersion and generation.
  Json Draft() const;
  const Json& json() const { return body_; }
  Object Build() const;

 private:
  Json& Meta();
  Json body_;
};

}  // namespace midwatch::fakes
