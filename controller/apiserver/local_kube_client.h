#pragma once

#include <memory>

#include "controller/apiserver/api.h"
#include "controller/env/kube_client.h"

namespace midwatch::apiserver {

/// The API in process, as one identity, through the same authorisation as HTTP. Reads complete
/// before the call returns; writes and watch events come on the storage's thread. Works the same
/// whether a pump or the simulator steps the storage.
class LocalKubeClient final : public KubeClient {
 public:
  /// The api outlives it.
  LocalKubeClient(Api& api, Identity identity) : api_(api), identity_(std::move(identity)) {}

  void Get(GetRequest request, Completion<Object> done) override;
  void List(ListRequest request, Completion<ListResponse> done) override;
  void Create(CreateRequest request, Completion<Object> done) override;
  void Update(UpdateRequest request, Completion<Object> done) override;
  void Patch(PatchRequest request, Completion<Object> done) override;
  void Delete(DeleteRequest request, Completion<Object> done) override;
  std::unique_ptr<WatchHandle> Watch(WatchRequest request,
                                     std::shared_ptr<WatchSink> sink) override;

 private:
  Result<Target> TargetOf(const ResourceType& type, std::string namespace_name, std::string name,
                          std::string subresource = {}) const;

  Api& api_;
  const Identity identity_;
};

}  // namespace midwatch::apiserver
