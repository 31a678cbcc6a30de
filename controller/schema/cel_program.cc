#include "controller/schema/cel_program.h"

#include <algorithm>
#include <utility>

#include "controller/base/check.h"
#include "controller/schema/cel_evaluator.h"
#include "controller/schema/cel_syntax.h"

namespace midwatch::schema {

struct CelProgram::Impl {
  std::string expression;
  CelTree tree;
};

Result<CelProgram> CelProgram::Compile(std::string_view expression) {
  MIDWATCH_ASSIGN(CelTree tree, ParseCel(expression));
  return CelProgram(std::make_shared<const Impl>(Impl{std::string(expression), std::move(tree)}));
}

Result<CelValue> CelProgram::Evaluate(const CelBindings& bindings, CelBudget& budget) const {
  MIDWATCH_CHECK(bindings.self != nullptr);
  MIDWATCH_CHECK(bindings.old_self != nullptr || !UsesOldSelf());
  CelBudget own{std::min(budget.remaining, kCelCostPerRule)};
  const std::uint64_t start = own.remaining;
  Result<CelValue> value = EvaluateCel(impl_->tree, bindings, own);
  budget.remaining -= start - own.remaining;
  return value;
}

bool CelProgram::UsesOldSelf() const { return impl_->tree.uses_old_self; }
const std::string& CelProgram::expression() const { return impl_->expression; }

}  // namespace midwatch::schema
