#pragma once

#include "controller/object/object_key.h"
#include "controller/object/resource_type.h"

namespace midwatch::manifest {

/// In which step of a sync objects of a kind are written, lowest first: definitions and namespaces,
/// what others read (Secrets, ConfigMaps), topology, agents and policies, their assignments,
/// missions, connections, records; last what is not known here. Pruning goes the other way round.
int WriteStep(const ResourceType& type);

/// True if the first is written before the second: by WriteStep, then by resource, namespace and
/// name.
bool WrittenBefore(const ResourceType& a_type, const ObjectKey& a, const ResourceType& b_type,
                   const ObjectKey& b);

/// True if deleting such an object takes more with it than what its manifest says.
bool DeletionLosesData(const ResourceType& type);

}  // namespace midwatch::manifest
