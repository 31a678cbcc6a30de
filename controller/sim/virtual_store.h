#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "controller/env/artifact_store.h"
#include "controller/sim/scheduler.h"

namespace midwatch::sim {

/// The artifact service: keeps what is small, and of session logs the length alone. Answers come a
/// little later, or not at all while it cannot be reached.
class VirtualStore final : public ArtifactStore {
 public:
  explicit VirtualStore(Scheduler& scheduler) : scheduler_(scheduler) {}

  void Put(std::string bytes, std::function<void(Result<std::string>)> done) override;
  void Get(std::string digest, std::function<void(Result<std::string>)> done) override;
  void Append(std::string log, std::uint64_t offset, std::string bytes,
              std::function<void(Result<std::uint64_t>)> done) override;
  void Read(std::string log, std::uint64_t offset, std::size_t limit,
            std::function<void(Result<std::string>)> done) override;

  /// At once, and for good: what jobs refer to.
  std::string Keep(std::string bytes);

 private:
  Scheduler& scheduler_;
  std::map<std::string, std::string> kept_;
  std::map<std::string, std::uint64_t> lengths_;
};

}  // namespace midwatch::sim
