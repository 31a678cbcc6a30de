#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/object.h"

namespace midwatch {

enum class PatchType : std::uint8_t { kMerge, kJson, kStrategicMerge, kApply };

/// What must hold of the stored object for a write to happen; kConflict otherwise.
struct Preconditions {
  std::string uid;               ///< Empty: any.
  std::string resource_version;  ///< Empty: any.

  friend bool operator==(const Preconditions&, const Preconditions&) = default;
};

struct GetRequest {
  ResourceType type;
  std::string namespace_name;
  std::string name;
};

struct ListRequest {
  ResourceType type;
  std::string namespace_name;  ///< Empty: all namespaces.
  std::string label_selector;
  std::string field_selector;
  std::int64_t limit = 0;  ///< 0: everything in one answer.
  std::string continue_token;
  std::string resource_version;  ///< Empty: a consistent read.
};

struct ListResponse {
  std::vector<Object> items;     ///< Sorted by namespace and name.
  std::string resource_version;  ///< A watch from here misses nothing.
  std::string continue_token;    ///< Empty: this was the last page.
};

struct CreateRequest {
  ResourceType type;
  Json object;
  std::string field_manager;
  bool dry_run = false;
};

/// Replaces the object, or its status alone. `object.metadata.resourceVersion` is the precondition.
struct UpdateRequest {
  ResourceType type;
  Json object;
  std::string subresource;  ///< Empty or `status`.
  std::string field_manager;
  bool dry_run = false;
};

struct PatchRequest {
  ResourceType type;
  std::string namespace_name;
  std::string name;
  std::string subresource;  ///< Empty or `status`.
  PatchType patch_type = PatchType::kMerge;
  Json patch;  ///< With metadata.uid and metadata.resourceVersion where they must hold.
  std::string field_manager;
  bool force = false;  ///< kApply only: take fields over from other managers.
  bool dry_run = false;
};

struct DeleteRequest {
  ResourceType type;
  std::string namespace_name;
  std::string name;
  Preconditions preconditions;
  std::string propagation_policy;  ///< Empty, `Background`, `Foreground` or `Orphan`.
  bool dry_run = false;
};

struct WatchRequest {
  ResourceType type;
  std::string namespace_name;  ///< Empty: all namespaces.
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;  ///< From a list: only later changes arrive.
};

enum class WatchEventType : std::uint8_t { kAdded, kModified, kDeleted, kBookmark };

struct WatchEvent {
  WatchEventType type = WatchEventType::kAdded;
  Object object;  ///< Not set for a bookmark. kDeleted: the last state.
  std::string
      resource_version;        ///< Of the event; a bookmark says that nothing up to it is missing.
  std::uint64_t progress = 0;  ///< Of a bookmark: the request that it answers, and all before it.
};

/// Receives a watch. Calls come one at a time, in order, on a thread of the client: queue and
/// return.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  virtual void OnEvent(const WatchEvent& event) = 0;
  /// Whether it can take another event now. False: `again` is called once, on any thread, when it
  /// can.
  virtual bool HasRoom(const std::function<void()>& again) {
    (void)again;
    return true;
  }
  /// The stream has ended: kExpired means list again, anything else watch again from the last
  /// version. Nothing comes after it.
  virtual void OnEnd(const Error& why) = 0;
};

/// A running watch; destroying it ends it, and no call of its sink is running or follows
/// afterwards.
class WatchHandle {
 public:
  virtual ~WatchHandle() = default;
  /// Asks for a bookmark that is no older than what is durable now, as etcd's progress requests do:
  /// it carries `number`, which only grows. False: this client cannot; a consistent list can.
  virtual bool RequestProgress(std::uint64_t /*number*/) { return false; }
};

template <typename T>
using Completion = std::function<void(Result<T>)>;

/// The API as everything but the API server sees it: embedded or a real kube-apiserver. Calls
/// return at once; each completion is called exactly once, maybe before the call returns, on a
/// thread of the client: queue and return. What is under way when an implementation in process is
/// destroyed (QueuedKubeClient, the Storage behind LocalKubeClient) is not answered. An answer that
/// was lost on the way is kOutcomeUnknown: the write may have happened. Thread-safe.
///
/// Implementations: apiserver::LocalKubeClient (in process), kube::HttpKubeClient (over
/// HttpClient).
class KubeClient {
 public:
  virtual ~KubeClient() = default;

  virtual void Get(GetRequest request, Completion<Object> done) = 0;
  virtual void List(ListRequest request, Completion<ListResponse> done) = 0;
  virtual void Create(CreateRequest request, Completion<Object> done) = 0;
  virtual void Update(UpdateRequest request, Completion<Object> done) = 0;
  virtual void Patch(PatchRequest request, Completion<Object> done) = 0;
  /// The object as it was deleted, or as it stays while finalizers hold it.
  virtual void Delete(DeleteRequest request, Completion<Object> done) = 0;
  virtual std::unique_ptr<WatchHandle> Watch(WatchRequest request,
                                             std::shared_ptr<WatchSink> sink) = 0;
};

}  // namespace midwatch
