#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/pattern.h"
#include "controller/base/result.h"
#include "controller/schema/cel_functions.h"
#include "controller/schema/cel_value.h"

namespace midwatch::schema {

enum class CelOp : std::uint8_t {
  kLiteral,   ///< `literal`
  kVariable,  ///< `slot`
  kField,     ///< args[0].text
  kHas,       ///< has(args[0].text)
  kIndex,     ///< args[0][args[1]]
  kNot,
  kNegate,
  kMultiply,
  kDivide,
  kModulo,
  kAdd,
  kSubtract,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kAnd,
  kOr,           ///< Over all of args.
  kConditional,  ///< args[0] ? args[1] : args[2]
  kList,
  kMap,  ///< args; of a map key, value, key, value, …
  kAll,
  kExists,
  kExistsOne,
  kFilter,     ///< Over args[0], with args[1] about the variable `slot`.
  kTransform,  ///< `map`: args[0], result args[1], and if there, filter args[2].
  kMatch,      ///< args[0].matches(`pattern`)
  kCall,       ///< `function` over args; the receiver comes first.
};

/// A node of the syntax tree. Immutable once parsed.
struct CelNode {
  CelOp op = CelOp::kLiteral;
  int depth = 1;           ///< Of the tree that hangs from it.
  std::uint32_t slot = 0;  ///< 0: self, 1: oldSelf, from 2: variables of macros.
  const CelFunction* function = nullptr;
  CelValue literal;
  std::string text;  ///< A field's name, unescaped.
  std::optional<Pattern> pattern;
  std::vector<CelNode> args;
};

inline constexpr std::uint32_t kCelSelfSlot = 0;
inline constexpr std::uint32_t kCelOldSelfSlot = 1;

/// A parsed expression.
struct CelTree {
  CelNode root;
  std::uint32_t slots =
      2;  ///< Variables that live at the same time, `self` and `oldSelf` included.
  bool uses_old_self = false;
};

/// Parses an expression; names are resolved, macros expanded, literal patterns checked. kInvalid
/// with the column otherwise.
Result<CelTree> ParseCel(std::string_view expression);

}  // namespace midwatch::schema
