#pragma once

#include <string>
#include <string_view>

#include "controller/object/json.h"

namespace midwatch::manifest {

/// The value as YAML, byte for byte as `kubectl get -o yaml` prints it (sigs.k8s.io/yaml: natural
/// order of keys, sequences not indented, folding beyond 80 columns, literal blocks for several
/// lines). Ends with a line end. LoadYaml reads it back to an equal value.
std::string WriteYaml(const Json& value);

/// The text as one plain or quoted scalar on one line: for tables and diffs.
std::string WriteYamlScalar(const Json& value);

}  // namespace midwatch::manifest
