#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "controller/sim/model.h"
#include "controller/sim/requests.h"
#include "controller/sim/virtual_git.h"

namespace midwatch::sim {

/// A file that a repository has or has not.
struct GitSlot;

/// Two repositories with a GitSource each, what people push to them, and what they do to the
/// objects that come from there. One source writes everywhere and is Atomic, the other writes into
/// its own namespace and skips what is invalid; both declare one same object now and then.
class GitWork {
 public:
  struct World {
    const SimTime& now;
    Requests& requests;
    const Model& model;
    GitHosting& hosting;
  };

  explicit GitWork(World world);

  /// The repositories' first commits, and their GitSources.
  void Begin(fakes::SeededRandom random);
  void Commit(fakes::SeededRandom random);
  void ByHand(fakes::SeededRandom random);

 private:
  VirtualFile FileOf(const GitSlot& slot, fakes::SeededRandom& random);
  void CreateSource(std::size_t source, fakes::SeededRandom& random);
  void MeddleWithObject(fakes::SeededRandom& random);
  void MeddleWithSource(fakes::SeededRandom& random);
  void MakeByHand(fakes::SeededRandom& random);

  World world_;
  std::uint64_t contents_ = 0;
};

}  // namespace midwatch::sim
