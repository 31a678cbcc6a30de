#pragma once

#include <functional>
#include <memory>

#include "controller/env/actor.h"
#include "controller/env/inbox.h"
#include "controller/env/kube_client.h"

namespace midwatch {

/// A KubeClient whose writes are handed to another client on a thread of their own, in order. An
/// in-process API validates a write on its caller's thread; behind this, a Worker plans the next
/// key meanwhile. Reads and watches go straight through. Thread-safe but for Step.
class QueuedKubeClient final : public KubeClient, public Actor {
 public:
  /// Both outlive it.
  QueuedKubeClient(KubeClient& client, Waker& waker);
  /// Writes that are still queued are not made, and not answered.
  ~QueuedKubeClient() override;
  QueuedKubeClient(const QueuedKubeClient&) = delete;
  QueuedKubeClient& operator=(const QueuedKubeClient&) = delete;

  void Get(GetRequest request, Completion<Object> done) override;
  void List(ListRequest request, Completion<ListResponse> done) override;
  void Create(CreateRequest request, Completion<Object> done) override;
  void Update(UpdateRequest request, Completion<Object> done) override;
  void Patch(PatchRequest request, Completion<Object> done) override;
  void Delete(DeleteRequest request, Completion<Object> done) override;
  std::unique_ptr<WatchHandle> Watch(WatchRequest request,
                                     std::shared_ptr<WatchSink> sink) override;

  /// Hands one write on.
  bool Step(Now now) override;
  std::optional<MonoTime> NextWake() const override { return std::nullopt; }

 private:
  KubeClient& client_;
  Inbox<std::function<void(KubeClient&)>> writes_;
};

}  // namespace midwatch
