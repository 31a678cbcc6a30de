#include "controller/sim/hosts.h"

namespace midwatch::sim {

void SidecarTruth::Started(const Sidecar& sidecar) {
  if (observer_) {
    std::vector<Sidecar> others;
    for (const auto& [uid, other] : alive_) {
      if (other.pair == sidecar.pair) {
        others.push_back(other);
      }
    }
    observer_(sidecar, others);
  }
  alive_.emplace(sidecar.run_uid, sidecar);
}

void SidecarTruth::Ended(const std::string& run_uid) { alive_.erase(run_uid); }

}  // namespace midwatch::sim
