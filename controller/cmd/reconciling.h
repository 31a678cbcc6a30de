#pragma once

#include <memory>
#include <string>

#include "controller/base/result.h"
#include "controller/env/clock.h"
#include "controller/env/kube_client.h"
#include "controller/env/log.h"
#include "controller/env/metrics.h"
#include "controller/env/random.h"

namespace midwatch::cmd {

/// The reconcilers with their workers: one thread for matching, dispatch, instances and status, one
/// for git sync, so that a large sync delays no dispatch. Destroying it stops them.
class Reconciling {
 public:
  /// All outlive it.
  struct World {
    KubeClient& client;
    const Clock& clock;
    Random& random;
    Log& log;
    Metrics& metrics;
  };
  struct Settings {
    std::string git_directory;
    std::string installation_namespace;
    bool allow_file_urls = false;
  };

  static Result<std::unique_ptr<Reconciling>> Start(const World& world, const Settings& settings);
  ~Reconciling();

 private:
  struct Parts;
  explicit Reconciling(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace midwatch::cmd
