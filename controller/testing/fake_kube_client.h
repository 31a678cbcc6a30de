#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/env/clock.h"
#include "controller/env/kube_client.h"

namespace midwatch::fakes {

/// A failure by script: the next `times` calls that fit fail with `error`.
struct Failure {
  std::string verb = {};      ///< `get`, `list`, `create`, `update`, `patch`, `delete`; empty: any.
  std::string resource = {};  ///< `leases.coordination.k8s.io`; empty: any.
  Error error = {};
  int times = 1;
  bool happens = false;  ///< The write is made nevertheless: its answer was lost.
};

/// The API in memory: versions, preconditions, generation, status subresource, finalizers,
/// selectors, pages, watches from any version, and failures by script. No admission, no field
/// ownership (kApply merges and creates what is missing), no garbage collection.
///
/// Requests take effect in the call; answers and events come in the call too, or when the test
/// delivers them. Thread-safe.
class FakeKubeClient final : public KubeClient {
 public:
  explicit FakeKubeClient(const Clock& clock) : clock_(clock) {}

  void Get(GetRequest request, Completion<Object> done) override;
  void List(ListRequest request, Completion<ListResponse> done) override;
  void Create(CreateRequest request, Completion<Object> done) override;
  void Update(UpdateRequest request, Completion<Object> done) override;
  void Patch(PatchRequest request, Completion<Object> done) override;
  void Delete(DeleteRequest request, Completion<Object> done) override;
  std::unique_ptr<WatchHandle> Watch(WatchRequest request,
                                     std::shared_ptr<WatchSink> sink) override;

  // What tests do.

  /// Writes as somebody else would: creates, or replaces whatever stands there, status included.
  Object Put(const ResourceType& type, const Json& object);
  /// Removes at once, whatever holds it.
  void Remove(const ObjectKey& key);
  Object Find(const ObjectKey& key) const;
  std::vector<Object> All(std::string_view resource) const;
  std::int64_t version() const;

  void FailNext(Failure failure);
  /// Answers wait until they are delivered.
  void HoldAnswers(bool hold);
  /// Delivers the oldest waiting answer. False: there was none.
  bool DeliverAnswer();
  void HoldEvents(bool hold);
  bool DeliverEvent();
  /// Sends every watch a bookmark of the present version.
  void Bookmark();
  /// Watches answer progress requests from now on, as events.
  void AnswerProgress() { answers_progress_ = true; }
  /// Ends every watch.
  void EndWatches(Error why);
  /// Forgets the changes so far: a watch from before is kExpired.
  void Compact();
  /// The next lists answer as of the present version until Thaw (a replica that lags behind).
  void FreezeLists();
  void ThawLists();

  /// `create dispatches.midwatch.dev/payments/x` for each call but watches, in order.
  std::vector<std::string> calls() const;
  void ClearCalls();

 private:
  struct Change {
    std::int64_t version = 0;
    std::string resource;
    Object before;
    Object after;  // Of a deletion: the last state, with the version of the deletion.
    bool deleted = false;
  };
  struct Watcher;
  class Handle;
  using Later = std::function<void()>;
  using Objects = std::map<ObjectKey, Object>;

  std::optional<Failure> TakeFailure(std::string_view verb, std::string_view resource);
  Result<Object> Replace(const ResourceType& type, const ObjectKey& key, Json wanted,
                         std::string_view subresource);
  Result<Object> CreateNow(const ResourceType& type, Json body);
  Result<Object> PatchNow(const PatchRequest& request);
  Result<Object> DeleteNow(const DeleteRequest& request);
  Result<ListResponse> ListNow(const ListRequest& request) const;
  Object Commit(const ResourceType& type, const ObjectKey& key, Json body, bool deleted);
  template <typename T>
  void Answer(std::string_view verb, const ObjectKey& key, Completion<T> done,
              const std::function<Result<T>()>& perform);
  void Publish(const Change& change);
  void Offer(Watcher& watcher, const Change& change);
  void DeliverEvents();

  const Clock& clock_;
  mutable std::recursive_mutex mutex_;  // A completion may call again.
  Objects objects_;
  std::optional<Objects> frozen_;
  std::int64_t frozen_version_ = 0;
  std::vector<Change> log_;
  std::int64_t compacted_ = 0;
  std::int64_t version_ = 0;
  std::int64_t next_uid_ = 1;
  std::vector<std::weak_ptr<Watcher>> watchers_;
  std::deque<Failure> failures_;
  std::deque<Later> answers_;
  bool hold_answers_ = false;
  bool hold_events_ = false;
  bool answers_progress_ = false;
  std::vector<std::string> calls_;
};

}  // namespace midwatch::fakes
