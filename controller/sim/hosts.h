#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "controller/sim/sim_clock.h"

namespace midwatch::sim {

/// One sidecar process on some host, as it really is, whatever any record says.
struct Sidecar {
  std::string run;  ///< `namespace/name` of its Run.
  std::string run_uid;
  std::string pair;      ///< Job and mission type: what the lock is about.
  std::string dispatch;  ///< `namespace/name`
  SimTime started = 0;
};

/// All sidecar processes of the virtual world that are alive. Starting a second one of a pair is
/// told to the observer before it is added: the checker compares.
class SidecarTruth {
 public:
  using Observer = std::function<void(const Sidecar& started, const std::vector<Sidecar>& others)>;

  void SetObserver(Observer observer) { observer_ = std::move(observer); }
  void Started(const Sidecar& sidecar);
  void Ended(const std::string& run_uid);
  const std::map<std::string, Sidecar>& alive() const { return alive_; }

 private:
  Observer observer_;
  std::map<std::string, Sidecar> alive_;  // By UID of the Run.
};

}  // namespace midwatch::sim
