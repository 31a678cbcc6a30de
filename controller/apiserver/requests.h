#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/apiserver/identity.h"
#include "controller/apiserver/resource_registry.h"
#include "controller/apiserver/selection.h"
#include "controller/env/kube_client.h"

namespace midwatch::apiserver {

// What the API is asked and what it answers, whoever asks: routes and LocalKubeClient make these.

/// Names one object, or its status. The resource belongs to the registry.
struct Target {
  const ResourceInfo* resource = nullptr;
  std::string namespace_name = {};  ///< Empty if cluster-scoped.
  std::string name = {};            ///< Empty for a create, or a list.
  std::string subresource = {};     ///< Empty or `status`.
};

enum class FieldValidation : std::uint8_t { kWarn, kStrict, kIgnore };

struct WriteOptions {
  std::string field_manager = {};
  FieldValidation field_validation = FieldValidation::kWarn;
  bool dry_run = false;
};

/// A new object; target.name is not looked at.
struct CreateBody {
  Json object;
  std::vector<std::string> duplicates = {};  ///< Repeated members that the parser found.
};

/// Replaces what is there. `metadata.resourceVersion` is the precondition; only kinds of the core
/// group may leave it out, and then replace whatever stands there.
struct UpdateBody {
  Json object;
  std::vector<std::string> duplicates = {};
};

struct PatchBody {
  PatchType type = PatchType::kMerge;
  Json patch;
  bool force = false;  ///< kApply only.
  std::vector<std::string> duplicates = {};
};

struct DeleteBody {
  Preconditions preconditions = {};
  std::string propagation_policy = {};  ///< Empty, `Background`, `Foreground` or `Orphan`.
};

struct WriteCall {
  Identity identity = {};
  Target target;
  std::variant<CreateBody, UpdateBody, PatchBody, DeleteBody> body;
  WriteOptions options = {};
};

struct WriteAnswer {
  Object object;  ///< As stored; as it was last, if it is gone. A dry run's create has no version.
  std::vector<std::string> warnings = {};  ///< For `Warning: 299` headers.
  bool created = false;                    ///< Answer 201.
  bool gone = false;                       ///< A delete that left nothing: answer a Status.
};

enum class VersionMatch : std::uint8_t { kUnset, kNotOlderThan, kExact };

struct ListCall {
  Identity identity = {};
  Target target;  ///< Without a name; an empty namespace is all of them.
  std::string label_selector = {};
  std::string field_selector = {};
  std::int64_t limit = 0;  ///< 0: no pages. Ignored with resource_version "0".
  std::string continue_token = {};
  std::string resource_version = {};
  VersionMatch match = VersionMatch::kUnset;
};

struct ListAnswer {
  std::vector<VersionPtr> items;  ///< By namespace and name.
  std::int64_t revision = 0;      ///< A watch from here misses nothing.
  std::string continue_token = {};
  std::optional<std::int64_t> remaining = {};  ///< Absent on the last page and with selectors.
};

struct GetCall {
  Identity identity = {};
  Target target;
  std::string resource_version = {};  ///< A version from the future is kTimeout.
};

struct WatchCall {
  Identity identity = {};
  Target target;  ///< A name watches that one object.
  std::string label_selector = {};
  std::string field_selector = {};
  /// Empty or `0`: the present state as kAdded first. One that is not reached yet is kExpired; of a
  /// streaming list, kTimeout.
  std::string resource_version = {};
  bool bookmarks = false;  ///< One a minute, when nothing else came.
  /// A streaming list: the present state, then one bookmark that ends it (the first bookmark of
  /// such a watch, whatever `bookmarks` says), then changes.
  bool send_initial_events = false;
};

/// Judges a write once the objects are known: the stored one (null if there is none) and the one
/// that would take its place (null if it would be gone).
using Admission = std::function<Result<void>(const Json* stored, const Json* wanted)>;
using WriteDone = std::function<void(Result<WriteAnswer>)>;

}  // namespace midwatch::apiserver
