#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
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
  /// From bytes that Json::Dump has made of an object, kept by a store that checks them: nothing is
  /// parsed until the metadata are asked for.
  static Object FromStored(std::string bytes);
  /// From parts that belong together: what Parse would make of the bytes.
  static Object FromParts(std::string api_version, std::string kind, ObjectMeta meta,
                          std::string bytes);

  explicit operator bool() const { return record_ != nullptr; }

  const std::string& api_version() const { return head().api_version; }
  const std::string& kind() const { return head().kind; }
  const ObjectMeta& meta() const { return head().meta; }
  const std::string& name() const { return meta().name; }
  const std::string& namespace_name() const { return meta().namespace_name; }
  const std::string& uid() const { return meta().uid; }
  const std::string& resource_version() const { return meta().resource_version; }
  const std::string& bytes() const { return record_->bytes; }

  /// The whole tree, parsed anew at each call unless KeepBody has left it here: ask once.
  Json Body() const;
  /// Leaves the tree that these bytes were made of (and would be read as) with the record, for
  /// whoever shares it, until DropBody. It takes several times the memory of the bytes: who leaves
  /// it bounds how many there are. Thread-safe.
  void KeepBody(Json body) const;
  void DropBody() const;

  /// The object as a T, if KeepAs has been called for this record; nullptr otherwise. Lives as long
  /// as the record.
  template <typename T>
  const T* FindAs() const {
    const Projection* kept = record_->projection.load(std::memory_order_acquire);
    return kept != nullptr && kept->type == &kTypeTag<T> ? static_cast<const T*>(kept->value.get())
                                                         : nullptr;
  }
  /// Keeps what a pure function has made of this object with its record, so that those who share it
  /// need not make it again. One type per record: later ones are not kept. Thread-safe.
  template <typename T>
  void KeepAs(T value) const {
    const Projection* none = nullptr;
    auto made = std::make_unique<const Projection>(
        Projection{&kTypeTag<T>, std::make_shared<const T>(std::move(value))});
    if (record_->projection.compare_exchange_strong(none, made.get(), std::memory_order_acq_rel)) {
      made.release();
    }
  }

  /// True if both are the very same record (not: equal).
  bool SameRecord(const Object& other) const { return record_ == other.record_; }

 private:
  struct Head {
    std::string api_version;
    std::string kind;
    ObjectMeta meta;
  };
  template <typename T>
  static constexpr char kTypeTag = 0;  // Its address names the type.
  struct Projection {
    const void* type;
    std::shared_ptr<const void> value;
  };
  struct Record {
    explicit Record(std::string b) : bytes(std::move(b)), late(true) {}
    Record(Head h, std::string b) : bytes(std::move(b)), late(false), head(std::move(h)) {}

    ~Record() { delete projection.load(std::memory_order_acquire); }
    Record(const Record&) = delete;
    Record& operator=(const Record&) = delete;

    const std::string bytes;
    const bool late;  ///< `head` is read at first use, once, under `read`.
    mutable std::once_flag read;
    mutable Head head;
    mutable std::atomic<const Projection*> projection = nullptr;  // Owned; set once.
    mutable std::atomic_flag body_taken;  ///< Guards `body`, for as long as a copy takes.
    mutable std::unique_ptr<const Json> body;
  };
  class BodyGuard;
  explicit Object(std::shared_ptr<const Record> record) : record_(std::move(record)) {}
  static Result<Head> ReadHead(const Json& body);
  const Head& head() const {
    if (record_->late) {
      std::call_once(record_->read, &Object::ReadLate, *record_);
    }
    return record_->head;
  }
  static void ReadLate(const Record& record);

  std::shared_ptr<const Record> record_;
};

/// The key of an object of the given resource.
ObjectKey KeyOf(const ResourceType& type, const Object& object);

}  // namespace midwatch
