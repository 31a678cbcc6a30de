#pragma once

#include "controller/base/result.h"
#include "controller/schema/cel_program.h"
#include "controller/schema/cel_syntax.h"

namespace midwatch::schema {

/// The value of a parsed expression. Spends `budget` to the end at most, then gives kTooLarge.
Result<CelValue> EvaluateCel(const CelTree& tree, const CelBindings& bindings, CelBudget& budget);

}  // namespace midwatch::schema
