#pragma once

#include <string>

#include "controller/schema/field_error.h"

namespace midwatch::manifest {

/// What a rule of the schema says, for a person who looks at the line in the file: the schema words
/// it as Kubernetes does (`Invalid value: "boolean": spec.name in body must be of type string:
/// "boolean"`), this says `expected string, found boolean`. Wordings that it does not know stay.
std::string FieldMessage(const schema::FieldError& error);

}  // namespace midwatch::manifest
