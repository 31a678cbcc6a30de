#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/json.h"
#include "controller/object/object_key.h"
#include "controller/object/resource_type.h"

namespace midwatch {

/// metav1.OwnerReference.
struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;
  bool block_owner_deletion = false;

  friend bool operator==(const OwnerReference&, const OwnerReference&) = default;
};

/// The part of metav1.ObjectMeta that the machinery reads. managedFields stay in the object's
/// bytes.
struct ObjectMeta {
  std::string name;
  std::string generate_name;
  std::string namespace_name;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  std::string creation_timestamp;  ///< RFC 3339, empty if not created yet.
  std::string deletion_timestamp;  ///< Empty unless being deleted.
  std::map<std::string, std::string, std::less<>> labels;
  std::map<std::string, std::string, std::less<>> annotations;
  std::vector<std::string> finalizers;
  std::vector<OwnerReference> owner_references;

  bool IsBeingDeleted() const { return !deletion_timestamp.empty(); }
  bool HasFinalizer(std::string_view finalizer) const;

  friend bool operator==(const ObjectMeta&, const ObjectMeta&) = default;
};

/// Reads `metadata` of a parsed object; members of the wrong type are kInvalid and named.
Result<ObjectMeta> ParseObjectMeta(const Json& metadata);
/// The metadata as JSON, empty members left out.
Json ToJson(const ObjectMeta& meta);

/// An API object as a user wrote it or the store holds it: its serialised bytes and its metadata.
/// Immutable and cheap to copy: store, watch and informers share one record. The bytes are parsed
/// in full only by Body(); nothing of the user's object is lost by passing through here.
class Object {
 public:
  /// An empty Object, only to be assigned to.
  Object() = default;
  /// From bytes that this process or a trusted store has serialised. kInvalid or kBadRequest
  /// otherwise.
  static Result<Object> Parse(std::string bytes);
  /// From a tree; serialises it.
  static Result<Object> FromJson(const Json& body);

  explicit operator bool() const { return record_ != nullptr; }

  const std::string& api_version() const { return record_->api_version; }
  const std::string& kind() const { return record_->kind; }
  const ObjectMeta& meta() const { return record_->meta; }
  const std::string& name() const { return record_->meta.name; }
  const std::string& namespace_name() const { return record_->meta.namespace_name; }
  const std::string& uid() const { return record_->meta.uid; }
  const std::string& resource_version() const { return record_->meta.resource_version; }
  const std::string& bytes() const { return record_->bytes; }

  /// The whole tree, parsed anew at each call: ask once and keep it.
  Json Body() const;

  /// True if both are the very same record (not: equal).
  bool SameRecord(const Object& other) const { return record_ == other.record_; }

 private:
  struct Record {
    std::string api_version;
    std::string kind;
    ObjectMeta meta;
    std::string bytes;
  };
  explicit Object(std::shared_ptr<const Record> record) : record_(std::move(record)) {}
  static Result<Object> Build(const Json& body, std::string bytes);

  std::shared_ptr<const Record> record_;
};

/// The key of an object of the given resource.
ObjectKey KeyOf(const ResourceType& type, const Object& object);

}  // namespace midwatch
