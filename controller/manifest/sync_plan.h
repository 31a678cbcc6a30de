#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controller/base/time.h"
#include "controller/manifest/manifest_schemas.h"
#include "controller/manifest/repository.h"
#include "controller/object/object.h"
#include "controller/object/object_key.h"

namespace midwatch::manifest {

/// Where a source writes that an object is its own (schemas/names.yaml).
struct MarkNames {
  std::string source_label;
  std::string identity_annotation;
  std::string adopted_annotation;
  std::string file_annotation;
};

/// Whose declarations are synced, and what it may do.
struct SyncSource {
  std::string identity;       ///< In full: `gitsources.midwatch.dev/midwatch/infrastructure`.
  std::string field_manager;  ///< `midwatch-git`
  MarkNames marks;
  bool prune = true;
  bool prune_namespaces = false;
  bool prune_adopted = false;
  bool allow_empty = false;
  bool adopt = false;
  bool skip_invalid = false;  ///< Else Atomic: one error, and nothing is written.
};

/// The value of the ownership label: a hash of the identity. Worked out once for many objects.
std::string SourceLabel(std::string_view identity);

enum class Ownership : std::uint8_t { kOurs, kOther, kNobody };

/// Whose a live object is. Ours if label and annotation both say so, or if one does and the other
/// is gone (that is drift). Anything else that carries a mark is another source's.
Ownership OwnershipOf(const SyncSource& source, std::string_view label, const ObjectMeta& live);

/// Objects that were found to be as declared. As long as neither side changes they are not compared
/// again; handed from one plan to the next.
class SyncMemo {
 public:
  bool Knows(const Manifest& declared, const Object& live) const;
  void Note(const Manifest& declared, const Object& live);
  std::size_t size() const { return known_.size(); }

 private:
  struct Pair {
    Object declared;
    std::string path;
    std::string uid;
    std::string resource_version;
  };
  std::unordered_map<ObjectKey, Pair, ObjectKeyHash> known_;
};

struct SyncInput {
  const SyncSource& source;
  const ManifestSchemas& schemas;
  const DeclaredSet& declared;
  /// The live object, or nothing. With its managedFields.
  std::function<std::optional<Object>(const ObjectKey&)> find;
  /// Every live object that carries the source's label.
  std::vector<std::pair<ObjectKey, Object>> inventory;
  /// Creates come without body and after: CreateBody makes them when their time comes.
  bool lazy_creates = false;
  const SyncMemo* memo = nullptr;  ///< Of the plan before.
  WallTime now;                    ///< For what an apply would write; decides nothing.
};

enum class SyncVerb : std::uint8_t { kCreate, kUpdate, kPrune };

/// One write. Creates and updates are server-side applies of `body` by the field manager, forced.
struct SyncStep {
  SyncVerb verb = SyncVerb::kCreate;
  ObjectKey key;
  ResourceType type;
  int order = 0;  ///< Its place among the kinds (WriteStep).
  Json body;      ///< What to apply, marks included. Null for a prune.
  Json before;    ///< The live object. Null for a create.
  Json after;     ///< What the server will hold, as far as can be told. Null for a prune.
  const Manifest* manifest = nullptr;  ///< Owned by the DeclaredSet. Null for a prune.
  std::string uid;                     ///< Preconditions of an update or prune.
  std::string resource_version;
  bool adopts = false;
  std::string path;  ///< Where it is declared.
  Position at;
};

/// Why an object that is declared no more stays.
enum class KeptReason : std::uint8_t {
  kPruneOff,
  kEmptySet,    ///< Nothing at all is declared.
  kIncomplete,  ///< Something is declared that could not be told: it might be this.
  kInvalid,     ///< It is declared, with errors.
  kNamespace,
  kNamespaceInUse,  ///< A namespace that declared objects live in.
  kAdopted,
};
std::string_view NameOf(KeptReason reason);

struct KeptObject {
  ObjectKey key;
  KeptReason reason = KeptReason::kPruneOff;

  friend bool operator==(const KeptObject&, const KeptObject&) = default;
};

struct SyncPlan {
  std::vector<SyncStep> steps;  ///< In order: writes, then prunes. Empty if refused.
  std::vector<KeptObject> kept;
  std::vector<ObjectKey> waiting;     ///< Declared, but still being deleted: look again when gone.
  std::vector<ManifestError> errors;  ///< Of the revision, and of the comparison with what is live.
  bool refused = false;               ///< Atomic, and there are errors.
  std::size_t created = 0;
  std::size_t updated = 0;
  std::size_t unchanged = 0;
  std::size_t pruned = 0;
  SyncMemo memo;  ///< For the next plan.
};

/// Decides what brings the server to what is declared. Pure.
///
/// An object that exists without a mark needs `adopt`; one of another source is an error. A
/// declared object is unchanged if applying it would change nothing that is stored (fields of other
/// managers do not count). What is declared no more is pruned, unless a KeptReason holds.
SyncPlan PlanSync(const SyncInput& input);

/// What a create applies. `label`: the SourceLabel.
Json CreateBody(const SyncSource& source, std::string_view label, const Manifest& manifest);

}  // namespace midwatch::manifest
