#pragma once

#include "controller/manifest/manifest_schemas.h"

namespace midwatch::manifest {

/// The kinds that the binary carries. For tests alone; defined in test_schemas_test.cc.
const ManifestSchemas& TestSchemas();

}  // namespace midwatch::manifest
