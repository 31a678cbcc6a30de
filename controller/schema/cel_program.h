#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controller/base/result.h"
#include "controller/object/json.h"
#include "controller/schema/cel_value.h"

namespace midwatch::schema {

// Bounds. The costs are those of Kubernetes (apiserver/pkg/apis/cel: PerCallLimit,
// RuntimeCELCostBudget).
inline constexpr std::uint64_t kCelCostPerRule = 1'000'000;
inline constexpr std::uint64_t kCelCostPerObject = 10'000'000;
inline constexpr std::size_t kCelExpressionBytes = std::size_t{16} << 10;
inline constexpr int kCelDepth = 64;  ///< Of the syntax tree; `&&` and `||` chains count once.

/// What the rules of one object may still spend together. A step costs 1, reading text 1 per 10
/// bytes, comparing or searching a list 1 per item.
struct CelBudget {
  std::uint64_t remaining = kCelCostPerObject;
};

/// The variables of a rule. Neither tree is copied; both must outlive the result.
struct CelBindings {
  const Json* self = nullptr;  ///< Required.
  const Json* old_self =
      nullptr;  ///< Null on create; a rule that needs it must not be evaluated then.
};

/// A rule of `x-kubernetes-validations`, compiled: the part of the Common Expression Language
/// (github.com/google/cel-spec) that such rules need, without static types. Immutable; may be
/// evaluated by several threads at once. Copies share the syntax tree.
///
/// Covered: literals, `self`, `oldSelf`, arithmetic, comparison, `in`, `?:`, `&&` and `||` that
/// absorb errors, field access with Kubernetes' escapes (`self.__namespace__`, `self.a__dash__b`),
/// indexing, `has()`, `all`, `exists`, `exists_one`, `map`, `filter`, lists and maps, and the
/// functions in cel_functions.cc. A field of `format: date-time` or `duration` is a string here:
/// write `timestamp(self.at)` and `duration(self.wait)`, which a real API server accepts as well.
///
/// Errors: Compile gives kInvalid with the column (1-based). Evaluate gives kInvalid when the
/// expression has no value (missing key, wrong type, overflow), kTooLarge when the budget is used
/// up.
class CelProgram {
 public:
  static Result<CelProgram> Compile(std::string_view expression);

  /// Spends at most kCelCostPerRule of `budget`.
  Result<CelValue> Evaluate(const CelBindings& bindings, CelBudget& budget) const;

  /// A transition rule: it mentions `oldSelf`, so it applies to updates alone.
  bool UsesOldSelf() const;
  const std::string& expression() const;

 private:
  struct Impl;
  explicit CelProgram(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;  // Shared by copies of this value; never changes.
};

}  // namespace midwatch::schema
