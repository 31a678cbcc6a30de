#include "controller/schema/cel_evaluator.h"

#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "controller/base/text.h"

namespace midwatch::schema {
namespace {

using Value = Result<CelValue>;

Value Overflow() { return Fail(ErrorCode::kInvalid, "integer overflow"); }

Value IntArithmetic(CelOp op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (op == CelOp::kAdd) {
    return __builtin_add_overflow(a, b, &out) ? Overflow() : Value(CelValue::Of(out));
  }
  if (op == CelOp::kSubtract) {
    return __builtin_sub_overflow(a, b, &out) ? Overflow() : Value(CelValue::Of(out));
  }
  if (op == CelOp::kMultiply) {
    return __builtin_mul_overflow(a, b, &out) ? Overflow() : Value(CelValue::Of(out));
  }
  if (b == 0) {
    return Fail(ErrorCode::kInvalid, op == CelOp::kDivide ? "division by zero" : "modulus by zero");
  }
  if (a == INT64_MIN && b == -1) {
    return Overflow();
  }
  return CelValue::Of(op == CelOp::kDivide ? a / b : a % b);
}

Value TimeArithmetic(CelOp op, const CelValue& a, const CelValue& b) {
  const bool adds = op == CelOp::kAdd;
  const auto micros = [](const CelValue& value) {
    return value.Is(CelKind::kTimestamp) ? value.AsTime().unix_micros : value.AsDuration().count();
  };
  const bool a_time = a.Is(CelKind::kTimestamp);
  const bool b_time = b.Is(CelKind::kTimestamp);
  if ((adds && a_time && b_time) || (!adds && b_time && !a_time)) {
    return NoSuchOverload(adds ? "+" : "-", std::array{a, b});
  }
  std::int64_t out = 0;
  if (adds ? __builtin_add_overflow(micros(a), micros(b), &out)
           : __builtin_sub_overflow(micros(a), micros(b), &out)) {
    return Fail(ErrorCode::kInvalid, "time overflow");
  }
  return a_time != b_time ? CelValue::Of(WallTime{out}) : CelValue::Of(Duration{out});
}

std::string_view SymbolOf(CelOp op) {
  switch (op) {
    case CelOp::kMultiply:
      return "*";
    case CelOp::kDivide:
      return "/";
    case CelOp::kModulo:
      return "%";
    case CelOp::kAdd:
      return "+";
    case CelOp::kSubtract:
      return "-";
    case CelOp::kLess:
      return "<";
    case CelOp::kLessEqual:
      return "<=";
    case CelOp::kGreater:
      return ">";
    case CelOp::kGreaterEqual:
      return ">=";
    default:
      return "operator";
  }
}

bool IsTime(const CelValue& value) {
  return value.Is(CelKind::kTimestamp) || value.Is(CelKind::kDuration);
}

class Evaluator {
 public:
  Evaluator(const CelTree& tree, const CelBindings& bindings, CelBudget& budget)
      : bindings_(bindings), budget_(budget), variables_(tree.slots - 2) {}

  Value Eval(const CelNode& node) {
    MIDWATCH_TRY(Spend(1));
    switch (node.op) {
      case CelOp::kLiteral:
        return node.literal;
      case CelOp::kVariable:
        return Variable(node.slot);
      case CelOp::kField:
      case CelOp::kHas:
        return Field(node);
      case CelOp::kIndex:
        return Index(node);
      case CelOp::kNot:
      case CelOp::kNegate:
        return Unary(node);
      case CelOp::kAnd:
        return Logic(node, false);
      case CelOp::kOr:
        return Logic(node, true);
      case CelOp::kConditional:
        return Conditional(node);
      case CelOp::kList:
        return ListOf(node);
      case CelOp::kMap:
        return MapOf(node);
      case CelOp::kAll:
        return Quantifier(node, false);
      case CelOp::kExists:
        return Quantifier(node, true);
      case CelOp::kExistsOne:
      case CelOp::kFilter:
        return Filter(node);
      case CelOp::kTransform:
        return Transform(node);
      case CelOp::kMatch:
        return Match(node);
      case CelOp::kCall:
        return Call(node);
      default:
        return Binary(node);
    }
  }

 private:
  using Done = Result<void>;

  Done Spend(std::uint64_t cost) {
    if (budget_.remaining < cost) {
      budget_.remaining = 0;
      exhausted_ = true;
      return Fail(ErrorCode::kTooLarge, "the rule costs more than is allowed");
    }
    budget_.remaining -= cost;
    return {};
  }
  static std::uint64_t TextCost(const CelValue& value) { return value.AsText().size() / 10; }

  Value Variable(std::uint32_t slot) const {
    if (slot == kCelSelfSlot) {
      return CelValue::Borrow(*bindings_.self);
    }
    return slot == kCelOldSelfSlot ? CelValue::Borrow(*bindings_.old_self) : variables_[slot - 2];
  }

  Value Field(const CelNode& node) {
    MIDWATCH_ASSIGN(const CelValue object, Eval(node.args[0]));
    if (!object.Is(CelKind::kMap)) {
      return Fail(ErrorCode::kInvalid,
                  "no field " + Quote(node.text) + " in a " + std::string(NameOf(object.kind())));
    }
    const std::optional<CelValue> found = object.FindText(node.text);
    if (node.op == CelOp::kHas) {
      return CelValue::Of(found.has_value());
    }
    return found ? Value(*found) : Fail(ErrorCode::kInvalid, "no such key: " + node.text);
  }

  Value Index(const CelNode& node) {
    MIDWATCH_ASSIGN(const CelValue object, Eval(node.args[0]));
    MIDWATCH_ASSIGN(const CelValue index, Eval(node.args[1]));
    if (object.Is(CelKind::kMap)) {
      MIDWATCH_ASSIGN(const std::optional<CelValue> found, FindEntry(object, index));
      return found ? Value(*found)
                   : Fail(ErrorCode::kInvalid, "no such key: " + index.ToJson().Dump());
    }
    const double position = index.AsDouble();
    if (!object.Is(CelKind::kList) || !index.IsNumber() || position != std::floor(position)) {
      return NoSuchOverload("[]", std::array{object, index});
    }
    if (position < 0 || position >= static_cast<double>(object.Count())) {
      return Fail(ErrorCode::kInvalid, "index out of range: " + index.ToJson().Dump());
    }
    return object.ElementAt(static_cast<std::size_t>(position));
  }

  Result<std::optional<CelValue>> FindEntry(const CelValue& map, const CelValue& key) {
    if (key.Is(CelKind::kString)) {
      return map.FindText(key.AsText());
    }
    for (std::size_t i = 0; i < map.Count(); ++i) {
      MIDWATCH_TRY(Spend(1));
      if (EqualScalars(map.ElementAt(i), key)) {
        return map.EntryAt(i);
      }
    }
    return std::nullopt;
  }

  Value Unary(const CelNode& node) {
    MIDWATCH_ASSIGN(const CelValue value, Eval(node.args[0]));
    if (node.op == CelOp::kNot && value.Is(CelKind::kBool)) {
      return CelValue::Of(!value.AsBool());
    }
    if (node.op == CelOp::kNegate && value.Is(CelKind::kInt)) {
      return IntArithmetic(CelOp::kSubtract, 0, value.AsInt());
    }
    if (node.op == CelOp::kNegate && value.Is(CelKind::kDouble)) {
      return CelValue::Of(-value.AsDouble());
    }
    return NoSuchOverload(node.op == CelOp::kNot ? "!" : "-", std::array{value});
  }

  /// `&&` and `||`: a side that decides wins over an error of the other, in either order.
  Value Logic(const CelNode& node, bool decisive) {
    std::optional<Error> error;
    for (const CelNode& arg : node.args) {
      if (auto decided = Decide(Eval(arg), decisive, error)) {
        return *std::move(decided);
      }
    }
    return error ? Value(Fail(*std::move(error))) : Value(CelValue::Of(!decisive));
  }

  /// What one operand settles: the decisive value or an empty budget. Otherwise notes its error.
  std::optional<Value> Decide(Value value, bool decisive, std::optional<Error>& error) const {
    if (!value && exhausted_) {
      return value;
    }
    if (value && !value->Is(CelKind::kBool)) {
      value = NoSuchOverload(decisive ? "||" : "&&", std::array{*value});
    }
    if (value && value->AsBool() == decisive) {
      return value;
    }
    if (!value && !error) {
      error = std::move(value).error();
    }
    return std::nullopt;
  }

  Result<bool> Condition(const CelNode& node, std::string_view what) {
    MIDWATCH_ASSIGN(const CelValue value, Eval(node));
    if (!value.Is(CelKind::kBool)) {
      return NoSuchOverload(what, std::array{value});
    }
    return value.AsBool();
  }

  Value Conditional(const CelNode& node) {
    MIDWATCH_ASSIGN(const bool yes, Condition(node.args[0], "?:"));
    return Eval(node.args[yes ? 1 : 2]);
  }

  Value ListOf(const CelNode& node) {
    CelValue::List items;
    items.reserve(node.args.size());
    for (const CelNode& arg : node.args) {
      MIDWATCH_ASSIGN(items.emplace_back(), Eval(arg));
    }
    return CelValue::Of(std::move(items));
  }

  Value MapOf(const CelNode& node) {
    CelValue::Map entries;
    for (std::size_t i = 0; i + 1 < node.args.size(); i += 2) {
      MIDWATCH_ASSIGN(const CelValue key, Eval(node.args[i]));
      MIDWATCH_ASSIGN(const CelValue value, Eval(node.args[i + 1]));
      if (key.Is(CelKind::kList) || key.Is(CelKind::kMap) || key.Is(CelKind::kNull)) {
        return NoSuchOverload("map key", std::array{key});
      }
      for (const auto& entry : entries) {
        MIDWATCH_TRY(Spend(1));
        if (EqualScalars(entry.first, key)) {
          return Fail(ErrorCode::kInvalid, "repeated key in a map: " + key.ToJson().Dump());
        }
      }
      entries.emplace_back(key, value);
    }
    return CelValue::Of(std::move(entries));
  }

  Value Range(const CelNode& node) {
    MIDWATCH_ASSIGN(CelValue range, Eval(node.args[0]));
    if (!range.Is(CelKind::kList) && !range.Is(CelKind::kMap)) {
      return NoSuchOverload("macro", std::array{range});
    }
    return range;
  }
  void Bind(const CelNode& node, CelValue element) {
    variables_[node.slot - 2] = std::move(element);
  }

  Value Quantifier(const CelNode& node, bool decisive) {
    MIDWATCH_ASSIGN(const CelValue range, Range(node));
    std::optional<Error> error;
    for (std::size_t i = 0; i < range.Count(); ++i) {
      Bind(node, range.ElementAt(i));
      if (auto decided = Decide(Eval(node.args[1]), decisive, error)) {
        return *std::move(decided);
      }
    }
    return error ? Value(Fail(*std::move(error))) : Value(CelValue::Of(!decisive));
  }

  Value Filter(const CelNode& node) {
    MIDWATCH_ASSIGN(const CelValue range, Range(node));
    CelValue::List kept;
    for (std::size_t i = 0; i < range.Count(); ++i) {
      CelValue element = range.ElementAt(i);
      Bind(node, element);
      MIDWATCH_ASSIGN(const bool keep, Condition(node.args[1], "filter"));
      if (keep) {
        kept.push_back(std::move(element));
      }
    }
    return node.op == CelOp::kFilter ? CelValue::Of(std::move(kept))
                                     : CelValue::Of(kept.size() == 1);
  }

  Value Transform(const CelNode& node) {
    MIDWATCH_ASSIGN(const CelValue range, Range(node));
    CelValue::List out;
    for (std::size_t i = 0; i < range.Count(); ++i) {
      Bind(node, range.ElementAt(i));
      bool keep = true;
      if (node.args.size() > 2) {
        MIDWATCH_ASSIGN(keep, Condition(node.args[2], "map"));
      }
      if (keep) {
        MIDWATCH_ASSIGN(out.emplace_back(), Eval(node.args[1]));
      }
    }
    return CelValue::Of(std::move(out));
  }

  Value Call(const CelNode& node) {
    CelValue::List args;
    args.reserve(node.args.size());
    for (const CelNode& arg : node.args) {
      MIDWATCH_ASSIGN(args.emplace_back(), Eval(arg));
      MIDWATCH_TRY(Spend(TextCost(args.back())));
    }
    if (node.function->walks) {
      MIDWATCH_TRY(SpendOnWalk(args[0]));
    }
    return node.function->call(args);
  }

  Done SpendOnWalk(const CelValue& value) {
    MIDWATCH_TRY(Spend(value.AsText().size()));
    for (std::size_t i = 0; i < value.Count(); ++i) {
      MIDWATCH_TRY(Spend(1 + TextCost(value.ElementAt(i))));
    }
    return {};
  }

  Value Match(const CelNode& node) {
    MIDWATCH_ASSIGN(const CelValue text, Eval(node.args[0]));
    if (!text.Is(CelKind::kString)) {
      return NoSuchOverload("matches", std::array{text});
    }
    MIDWATCH_TRY(Spend(TextCost(text)));
    return CelValue::Of(node.pattern->FoundIn(text.AsText()));
  }

  Value Binary(const CelNode& node) {
    MIDWATCH_ASSIGN(const CelValue a, Eval(node.args[0]));
    MIDWATCH_ASSIGN(const CelValue b, Eval(node.args[1]));
    switch (node.op) {
      case CelOp::kEqual:
      case CelOp::kNotEqual: {
        MIDWATCH_ASSIGN(const bool equal, Equal(a, b));
        return CelValue::Of(equal == (node.op == CelOp::kEqual));
      }
      case CelOp::kIn:
        return In(a, b);
      case CelOp::kLess:
      case CelOp::kLessEqual:
      case CelOp::kGreater:
      case CelOp::kGreaterEqual:
        return Compare(node.op, a, b);
      default:
        return Arithmetic(node.op, a, b);
    }
  }

  Result<bool> Equal(const CelValue& a, const CelValue& b) {
    MIDWATCH_TRY(Spend(1 + std::min(TextCost(a), TextCost(b))));
    if (a.kind() != b.kind() || (!a.Is(CelKind::kList) && !a.Is(CelKind::kMap))) {
      return EqualScalars(a, b);
    }
    if (a.Count() != b.Count()) {
      return false;
    }
    for (std::size_t i = 0; i < a.Count(); ++i) {
      const CelValue element = a.ElementAt(i);
      bool equal = false;
      if (a.Is(CelKind::kList)) {
        MIDWATCH_ASSIGN(equal, Equal(element, b.ElementAt(i)));
      } else {
        MIDWATCH_ASSIGN(const std::optional<CelValue> other, FindEntry(b, element));
        if (other) {
          MIDWATCH_ASSIGN(equal, Equal(a.EntryAt(i), *other));
        }
      }
      if (!equal) {
        return false;
      }
    }
    return true;
  }

  Value In(const CelValue& needle, const CelValue& hay) {
    if (hay.Is(CelKind::kMap)) {
      MIDWATCH_ASSIGN(const std::optional<CelValue> found, FindEntry(hay, needle));
      return CelValue::Of(found.has_value());
    }
    if (!hay.Is(CelKind::kList)) {
      return NoSuchOverload("in", std::array{needle, hay});
    }
    for (std::size_t i = 0; i < hay.Count(); ++i) {
      MIDWATCH_ASSIGN(const bool equal, Equal(needle, hay.ElementAt(i)));
      if (equal) {
        return CelValue::Of(true);
      }
    }
    return CelValue::Of(false);
  }

  Value Compare(CelOp op, const CelValue& a, const CelValue& b) {
    MIDWATCH_TRY(Spend(std::min(TextCost(a), TextCost(b))));
    const std::optional<int> order = CompareCel(a, b);
    if (!order) {
      const bool nan = a.IsNumber() && b.IsNumber();
      return nan ? Value(CelValue::Of(false)) : NoSuchOverload(SymbolOf(op), std::array{a, b});
    }
    switch (op) {
      case CelOp::kLess:
        return CelValue::Of(*order < 0);
      case CelOp::kLessEqual:
        return CelValue::Of(*order <= 0);
      case CelOp::kGreater:
        return CelValue::Of(*order > 0);
      default:
        return CelValue::Of(*order >= 0);
    }
  }

  Value Arithmetic(CelOp op, const CelValue& a, const CelValue& b) {
    if (a.Is(CelKind::kInt) && b.Is(CelKind::kInt)) {
      return IntArithmetic(op, a.AsInt(), b.AsInt());
    }
    if (a.IsNumber() && b.IsNumber() && op != CelOp::kModulo) {
      return DoubleArithmetic(op, a.AsDouble(), b.AsDouble());
    }
    if (op == CelOp::kAdd && a.Is(CelKind::kString) && b.Is(CelKind::kString)) {
      MIDWATCH_TRY(Spend(TextCost(a) + TextCost(b)));
      return CelValue::Of(std::string(a.AsText()) + std::string(b.AsText()));
    }
    if (op == CelOp::kAdd && a.Is(CelKind::kList) && b.Is(CelKind::kList)) {
      return Concatenate(a, b);
    }
    if ((op == CelOp::kAdd || op == CelOp::kSubtract) && IsTime(a) && IsTime(b)) {
      return TimeArithmetic(op, a, b);
    }
    return NoSuchOverload(SymbolOf(op), std::array{a, b});
  }

  static Value DoubleArithmetic(CelOp op, double a, double b) {
    switch (op) {
      case CelOp::kAdd:
        return CelValue::Of(a + b);
      case CelOp::kSubtract:
        return CelValue::Of(a - b);
      case CelOp::kMultiply:
        return CelValue::Of(a * b);
      default:
        return CelValue::Of(a / b);
    }
  }

  Value Concatenate(const CelValue& a, const CelValue& b) {
    MIDWATCH_TRY(Spend(a.Count() + b.Count()));
    CelValue::List items;
    for (const CelValue* list : {&a, &b}) {
      for (std::size_t i = 0; i < list->Count(); ++i) {
        items.push_back(list->ElementAt(i));
      }
    }
    return CelValue::Of(std::move(items));
  }

  const CelBindings& bindings_;
  CelBudget& budget_;
  std::vector<CelValue> variables_;
  bool exhausted_ = false;
};

}  // namespace

Result<CelValue> EvaluateCel(const CelTree& tree, const CelBindings& bindings, CelBudget& budget) {
  return Evaluator(tree, bindings, budget).Eval(tree.root);
}

}  // namespace midwatch::schema
