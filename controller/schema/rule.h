#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/json.h"
#include "controller/schema/cel_program.h"
#include "controller/schema/field_error.h"

namespace midwatch::schema {

struct SchemaNode;

/// One entry of `x-kubernetes-validations`.
struct Rule {
  CelProgram program;
  std::optional<CelProgram> message_expression;
  std::string message;     ///< Empty: the failed rule itself is shown.
  std::string field_path;  ///< `.minReplicas`: which field below is to blame; or empty.
  CauseReason reason = CauseReason::kInvalid;
};

/// Compiles `x-kubernetes-validations`. kInvalid names the entry below `where` and the column.
Result<std::vector<Rule>> CompileRules(const Json& validations, const std::string& where);

/// Evaluates every rule of the schema against an object whose structure is right. With `old`, parts
/// that have not changed are judged by transition rules alone; items are correlated as Kubernetes
/// does: members by name, items of `x-kubernetes-list-type: map` by their keys, others not at all.
void CheckRules(const SchemaNode& root, const Json& object, const Json* old,
                std::vector<FieldError>& errors);

}  // namespace midwatch::schema
