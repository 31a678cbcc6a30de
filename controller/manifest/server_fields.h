#pragma once

#include "controller/object/json.h"

namespace midwatch::manifest {

/// Removes what a server writes and no manifest declares: the metadata uid, resourceVersion,
/// generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, selfLink and
/// managedFields, and kubectl's last-applied annotation; `status` too if `has_status`.
void DropServerFields(Json& object, bool has_status);

/// True for a core Secret: its values are shown to nobody.
bool IsSecret(const Json& object);

}  // namespace midwatch::manifest
