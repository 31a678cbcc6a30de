#pragma once

#include <string>

#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/object/json.h"
#include "controller/schema/compiled_schema.h"

namespace midwatch::schema {

/// Who writes, where, and when.
struct FieldWriter {
  std::string manager;                 ///< `kubectl-edit`
  std::string api_version;             ///< Of the request: `midwatch.dev/v1alpha1`.
  std::string subresource;             ///< Empty or `status`.
  bool has_status_subresource = true;  ///< Then the main path does not own `status`.
  WallTime now;
};

/// Entries of `operation: Update` beyond this many are merged into the manager `ancient-changes`.
inline constexpr std::size_t kMaxUpdateManagers = 10;

/// Server-side apply: merges the configuration `applied` into `live` (nullptr: it does not exist
/// yet) and returns the object with its managedFields, to be pruned, defaulted and validated next.
/// Fields that this manager applied before and now leaves out are removed unless somebody else owns
/// them. An apply that changes nothing returns `live` itself, equal member by member.
///
/// kConflict, with one cause per field, where another manager owns a field with another value and
/// `force` is false. kBadRequest: the configuration does not fit the schema (unknown field, wrong
/// type, duplicate list keys) or carries managedFields.
Result<Json> ApplyConfiguration(const CompiledSchema& schema, const Json* live, const Json& applied,
                                const FieldWriter& writer, bool force);

/// Records in `updated` (what will be stored, after pruning, defaulting and validation) who owns
/// what after a create, update or patch that is no apply. `updated.metadata.managedFields` may be
/// what the client sent: absent or empty keeps the stored ones, `[{}]` clears them.
void TrackUpdate(const CompiledSchema& schema, const Json* live, Json& updated,
                 const FieldWriter& writer);

/// True if the two differ at most in the times of their managedFields (and in resourceVersion and
/// generation): then nothing is to be written.
bool SameForStorage(const Json& a, const Json& b);

}  // namespace midwatch::schema
