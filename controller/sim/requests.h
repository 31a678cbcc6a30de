#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "controller/env/kube_client.h"
#include "controller/sim/scheduler.h"

namespace midwatch::sim {

/// What people and pipelines ask of the API, again and again until it is done. A refusal that a
/// correct workload cannot get (an invalid object) is told to `refused`.
class Requests {
 public:
  struct World {
    Scheduler& scheduler;
    KubeClient& client;
    std::function<void(const std::string&)> refused;
  };

  explicit Requests(World world) : world_(std::move(world)) {}

  void Create(const ResourceType& type, Json body);
  /// `path` is `namespace/name`, or the name of a cluster-scoped object.
  void Patch(const ResourceType& type, const std::string& path, Json patch);
  void Delete(const ResourceType& type, const std::string& path);

  /// Those that are not done.
  std::size_t open() const { return open_; }
  /// When somebody has last asked to delete an object of that name.
  std::optional<SimTime> AskedToDelete(const ObjectKey& key) const;

 private:
  using Send = std::function<void(KubeClient&, Completion<Object>)>;
  void Try(std::string what, Send send, int tries = 0);

  World world_;
  std::size_t open_ = 0;
  std::map<ObjectKey, SimTime> deleted_;
};

}  // namespace midwatch::sim
