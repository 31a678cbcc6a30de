#include "controller/runtime/queued_kube_client.h"

#include <utility>

namespace midwatch {

QueuedKubeClient::QueuedKubeClient(KubeClient& client, Waker& waker)
    : client_(client), writes_(waker) {}

QueuedKubeClient::~QueuedKubeClient() { writes_.Close(); }

void QueuedKubeClient::Get(GetRequest request, Completion<Object> done) {
  client_.Get(std::move(request), std::move(done));
}

void QueuedKubeClient::List(ListRequest request, Completion<ListResponse> done) {
  client_.List(std::move(request), std::move(done));
}

void QueuedKubeClient::Create(CreateRequest request, Completion<Object> done) {
  writes_.Push([request = std::move(request), done = std::move(done)](KubeClient& client) mutable {
    client.Create(std::move(request), std::move(done));
  });
}

void QueuedKubeClient::Update(UpdateRequest request, Completion<Object> done) {
  writes_.Push([request = std::move(request), done = std::move(done)](KubeClient& client) mutable {
    client.Update(std::move(request), std::move(done));
  });
}

void QueuedKubeClient::Patch(PatchRequest request, Completion<Object> done) {
  writes_.Push([request = std::move(request), done = std::move(done)](KubeClient& client) mutable {
    client.Patch(std::move(request), std::move(done));
  });
}

void QueuedKubeClient::Delete(DeleteRequest request, Completion<Object> done) {
  writes_.Push([request = std::move(request), done = std::move(done)](KubeClient& client) mutable {
    client.Delete(std::move(request), std::move(done));
  });
}

std::unique_ptr<WatchHandle> QueuedKubeClient::Watch(WatchRequest request,
                                                     std::shared_ptr<WatchSink> sink) {
  return client_.Watch(std::move(request), std::move(sink));
}

bool QueuedKubeClient::Step(Now) {
  auto write = writes_.Take();
  if (!write) {
    return false;
  }
  (*write)(client_);
  return true;
}

}  // namespace midwatch
