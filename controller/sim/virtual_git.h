#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/env/git_client.h"
#include "controller/object/object_key.h"
#include "controller/sim/scheduler.h"

namespace midwatch::sim {

/// A file of a virtual repository and what it means, whatever Midwatch makes of it.
struct VirtualFile {
  std::string bytes;
  ObjectKey declares;
  std::string mark;     ///< Told apart in the object by the annotation kMark: which content it is.
  bool valid = true;    ///< Else what it declares has an error,
  bool legible = true;  ///< or it cannot even be told what it declares.
  std::string says;     ///< ModelDeclarable::says.

  /// The annotation. People never touch it.
  static constexpr const char* kMark = "simulation.midwatch.dev/content";
};

struct VirtualCommit {
  std::string id;
  std::string tree;
  std::map<std::string, VirtualFile> files;  ///< By path.

  bool valid() const;
  bool legible() const;
  const VirtualFile* Declares(const ObjectKey& key) const;
};

/// A repository with one branch that moves: forward, back, to anything. Keeps every commit and when
/// each was the head. It outlives every process.
class VirtualRepository {
 public:
  explicit VirtualRepository(const SimTime& now) : now_(now) {}

  /// A new commit becomes the head.
  void Commit(std::map<std::string, VirtualFile> files);
  /// A force-push to a commit that was the head before.
  void ForceBack(std::uint64_t draw);

  const VirtualCommit& head() const { return commits_.at(heads_.back().second); }
  const VirtualCommit* Find(const std::string& id) const;
  /// The commits that were the head at any time since `since`.
  std::vector<const VirtualCommit*> HeadsSince(SimTime since) const;

 private:
  const SimTime& now_;
  std::map<std::string, VirtualCommit> commits_;
  std::vector<std::pair<SimTime, std::string>> heads_;  // From when on.
};

/// The git hosting: what its remotes hold, and whether they can be reached.
struct GitHosting {
  std::map<std::string, VirtualRepository> repositories;  ///< By URL.
  bool down = false;
  bool hangs = false;  ///< A fetch ends at its deadline.
  bool gone = false;   ///< The remote says that there is no such repository.
};

/// The GitClient of one process: answers after a while, and not at all once the process has
/// crashed.
class VirtualGit final : public GitClient {
 public:
  VirtualGit(Scheduler& scheduler, const GitHosting& hosting, fakes::SeededRandom random)
      : scheduler_(scheduler), hosting_(hosting), random_(random) {}
  ~VirtualGit() override { *alive_ = false; }

  void Fetch(std::string source, GitFetchRequest request,
             std::function<void(Result<GitSnapshot>)> done) override;
  void Forget(std::string) override {}

 private:
  Result<GitSnapshot> Read(const GitFetchRequest& request) const;

  Scheduler& scheduler_;
  const GitHosting& hosting_;
  fakes::SeededRandom random_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // With what is on its way.
};

}  // namespace midwatch::sim
