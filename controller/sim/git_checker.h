#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/sim/model.h"
#include "controller/sim/requests.h"
#include "controller/sim/virtual_git.h"

namespace midwatch::sim {

/// Section 5 of the design, item 8: what a repository may do to objects.
///
///   git-atomic    | content of a revision that an Atomic source may not apply is written, or of
///                 | none that the source can have seen lately
///   git-ownership | an object is taken over or deleted that the source does not own, or that its
///                 | revision declares
///   converges     | at rest what is declared is there, and what is no longer declared is not
class GitChecker {
 public:
  struct World {
    const SimTime& now;
    const Model& model;
    const GitHosting& hosting;
    const Requests& requests;
    std::function<void(std::string checker, std::string what)> fail;
  };

  explicit GitChecker(World world) : world_(std::move(world)) {}

  /// A declarable object has changed; null: it was not there, or is gone.
  void OnChange(const ObjectKey& key, const ModelDeclarable* before, const ModelDeclarable* after);
  void OnRest() const;

  /// How long a revision that was the head may be applied after it was.
  static constexpr Duration kStalest = std::chrono::minutes(20);
  /// How long a delete may be on its way.
  static constexpr Duration kDeleteTakes = std::chrono::minutes(10);

 private:
  using Commits = std::vector<const VirtualCommit*>;

  void OnWritten(const ObjectKey& key, const ModelDeclarable& after, const std::string& owner);
  void OnDeleted(const ObjectKey& key, const ModelDeclarable& before);
  bool PeopleDeleted(const ObjectKey& key) const;
  const api::GitSource* SourceOf(const std::string& identity) const;
  Commits MayApply(const api::GitSource& source) const;
  void RestSource(const api::GitSource& source) const;
  bool HasConflict(const VirtualCommit& commit, const std::string& identity) const;
  void MustBeInForce(const VirtualCommit& commit, const api::GitSource& source) const;

  World world_;
};

}  // namespace midwatch::sim
