#include "controller/object/object.h"

#include <algorithm>

#include "controller/base/check.h"
#include "controller/object/stored_bytes.h"

namespace midwatch {
namespace {

using StringMap = std::map<std::string, std::string, std::less<>>;

Error WrongType(std::string_view field, std::string_view expected, const Json& found) {
  return {ErrorCode::kInvalid, "metadata." + std::string(field) + ": expected " +
                                   std::string(expected) + ", found " +
                                   std::string(found.TypeName())};
}

/// Reads the members of `metadata` one by one; the first error stays.
class MetaReader {
 public:
  explicit MetaReader(const Json& metadata) : metadata_(metadata) {}

  void String(std::string_view field, std::string& out) {
    if (const Json* value = Present(field); value != nullptr) {
      Require(value->IsString(), field, "string", *value);
      out = value->AsString();
    }
  }
  void Int(std::string_view field, std::int64_t& out) {
    if (const Json* value = Present(field); value != nullptr) {
      Require(value->IsInt(), field, "integer", *value);
      out = value->AsInt();
    }
  }
  void Map(std::string_view field, StringMap& out) {
    const Json* value = Present(field);
    if (value == nullptr) {
      return;
    }
    Require(value->IsObject(), field, "object", *value);
    for (const auto& [name, item] : value->Members()) {
      Require(item.IsString(), std::string(field) + "[" + name + "]", "string", item);
      out.emplace_hint(out.end(), name, item.AsString());
    }
  }
  void Strings(std::string_view field, std::vector<std::string>& out) {
    const Json* value = Present(field);
    if (value == nullptr) {
      return;
    }
    Require(value->IsArray(), field, "array", *value);
    for (const Json& item : value->Items()) {
      Require(item.IsString(), std::string(field) + "[]", "string", item);
      out.push_back(item.AsString());
    }
  }
  void Owners(std::vector<OwnerReference>& out) {
    const Json* value = Present("ownerReferences");
    if (value == nullptr) {
      return;
    }
    Require(value->IsArray(), "ownerReferences", "array", *value);
    for (const Json& item : value->Items()) {
      out.push_back({.api_version = item.At("apiVersion").AsString(),
                     .kind = item.At("kind").AsString(),
                     .name = item.At("name").AsString(),
                     .uid = item.At("uid").AsString(),
                     .controller = item.At("controller").AsBool(),
                     .block_owner_deletion = item.At("blockOwnerDeletion").AsBool()});
    }
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const Json* Present(std::string_view field) const {
    const Json* value = metadata_.Find(field);
    return value == nullptr || value->IsNull() ? nullptr : value;
  }
  void Require(bool holds, std::string_view field, std::string_view expected, const Json& found) {
    if (!holds && !error_) {
      error_ = WrongType(field, expected, found);
    }
  }

  const Json& metadata_;
  std::optional<Error> error_;
};

Json ToJson(const StringMap& map) {
  Json out = Json::EmptyObject();
  for (const auto& [name, value] : map) {
    out.Set(name, value);
  }
  return out;
}

Json ToJson(const OwnerReference& owner) {
  Json out = Json::Of({{"apiVersion", owner.api_version},
                       {"kind", owner.kind},
                       {"name", owner.name},
                       {"uid", owner.uid}});
  if (owner.controller) {
    out.Set("controller", true);
  }
  if (owner.block_owner_deletion) {
    out.Set("blockOwnerDeletion", true);
  }
  return out;
}

}  // namespace

bool ObjectMeta::HasFinalizer(std::string_view finalizer) const {
  return std::find(finalizers.begin(), finalizers.end(), finalizer) != finalizers.end();
}

Result<ObjectMeta> ParseObjectMeta(const Json& metadata) {
  if (!metadata.IsObject()) {
    return Fail(ErrorCode::kInvalid,
                "metadata: expected object, found " + std::string(metadata.TypeName()));
  }
  ObjectMeta meta;
  MetaReader in(metadata);
  in.String("name", meta.name);
  in.String("generateName", meta.generate_name);
  in.String("namespace", meta.namespace_name);
  in.String("uid", meta.uid);
  in.String("resourceVersion", meta.resource_version);
  in.Int("generation", meta.generation);
  in.String("creationTimestamp", meta.creation_timestamp);
  in.String("deletionTimestamp", meta.deletion_timestamp);
  in.Map("labels", meta.labels);
  in.Map("annotations", meta.annotations);
  in.Strings("finalizers", meta.finalizers);
  in.Owners(meta.owner_references);
  if (in.error()) {
    return Fail(*in.error());
  }
  return meta;
}

Json ToJson(const ObjectMeta& meta) {
  Json out = Json::EmptyObject();
  const auto set = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) {
      out.Set(name, value);
    }
  };
  set("name", meta.name);
  set("generateName", meta.generate_name);
  set("namespace", meta.namespace_name);
  set("uid", meta.uid);
  set("resourceVersion", meta.resource_version);
  set("creationTimestamp", meta.creation_timestamp);
  set("deletionTimestamp", meta.deletion_timestamp);
  if (meta.generation != 0) {
    out.Set("generation", meta.generation);
  }
  if (!meta.labels.empty()) {
    out.Set("labels", ToJson(meta.labels));
  }
  if (!meta.annotations.empty()) {
    out.Set("annotations", ToJson(meta.annotations));
  }
  for (const std::string& finalizer : meta.finalizers) {
    out["finalizers"].Append(finalizer);
  }
  for (const OwnerReference& owner : meta.owner_references) {
    out["ownerReferences"].Append(ToJson(owner));
  }
  return out;
}

Result<Object::Head> Object::ReadHead(const Json& body) {
  if (!body.IsObject()) {
    return Fail(ErrorCode::kBadRequest,
                "expected an object, found " + std::string(body.TypeName()));
  }
  MIDWATCH_ASSIGN(ObjectMeta meta, ParseObjectMeta(body.At("metadata")));
  return Head{.api_version = body.At("apiVersion").AsString(),
              .kind = body.At("kind").AsString(),
              .meta = std::move(meta)};
}

Result<Object> Object::Parse(std::string bytes) {
  MIDWATCH_ASSIGN(const Json body, ParseJson(bytes));
  MIDWATCH_ASSIGN(Head head, ReadHead(body));
  return Object(std::make_shared<const Record>(std::move(head), std::move(bytes)));
}

Result<Object> Object::FromJson(const Json& body) {
  MIDWATCH_ASSIGN(Head head, ReadHead(body));
  return Object(std::make_shared<const Record>(std::move(head), body.Dump()));
}

Object Object::FromStored(std::string bytes) {
  return Object(std::make_shared<const Record>(std::move(bytes)));
}

Object Object::FromParts(std::string api_version, std::string kind, ObjectMeta meta,
                         std::string bytes) {
  return Object(std::make_shared<const Record>(
      Head{std::move(api_version), std::move(kind), std::move(meta)}, std::move(bytes)));
}

void Object::ReadLate(const Record& record) {
  const auto body = ParseJson(HeadOf(record.bytes));
  MIDWATCH_CHECK(body.has_value());  // FromStored is for bytes that were an object once.
  auto head = ReadHead(*body);
  MIDWATCH_CHECK(head.has_value());
  record.head = *std::move(head);
}

/// Held for a copy of a few words.
class Object::BodyGuard {
 public:
  explicit BodyGuard(const Record& record) : flag_(record.body_taken) {
    while (flag_.test_and_set(std::memory_order_acquire)) {
      flag_.wait(true, std::memory_order_relaxed);
    }
  }
  ~BodyGuard() {
    flag_.clear(std::memory_order_release);
    flag_.notify_one();
  }
  BodyGuard(const BodyGuard&) = delete;
  BodyGuard& operator=(const BodyGuard&) = delete;

 private:
  std::atomic_flag& flag_;
};

void Object::KeepBody(Json body) const {
  auto kept = std::make_unique<const Json>(std::move(body));
  const BodyGuard guard(*record_);
  record_->body.swap(kept);
}

void Object::DropBody() const {
  std::unique_ptr<const Json> dropped;  // Destroyed when the guard is gone.
  const BodyGuard guard(*record_);
  record_->body.swap(dropped);
}

Json Object::Body() const {
  {
    const BodyGuard guard(*record_);
    if (record_->body != nullptr) {
      return *record_->body;
    }
  }
  auto body = ParseJson(record_->bytes);
  MIDWATCH_CHECK(body.has_value());  // Parse or FromJson has read these bytes before.
  return *std::move(body);
}

ObjectKey KeyOf(const ResourceType& type, const Object& object) {
  return {type.Resource(), object.namespace_name(), object.name()};
}

}  // namespace midwatch
