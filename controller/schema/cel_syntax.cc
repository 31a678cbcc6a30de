#include "controller/schema/cel_syntax.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "controller/base/pattern.h"
#include "controller/base/text.h"
#include "controller/schema/cel_lexer.h"
#include "controller/schema/cel_program.h"

namespace midwatch::schema {
namespace {

using Node = Result<CelNode>;

struct BinaryOperator {
  std::string_view symbol;
  CelOp op;
  int precedence;  ///< Higher binds tighter.
};
constexpr int kRelation = 3;
constexpr std::array<BinaryOperator, 14> kBinary = {{
    {"||", CelOp::kOr, 1},
    {"&&", CelOp::kAnd, 2},
    {"==", CelOp::kEqual, kRelation},
    {"!=", CelOp::kNotEqual, kRelation},
    {"<", CelOp::kLess, kRelation},
    {"<=", CelOp::kLessEqual, kRelation},
    {">", CelOp::kGreater, kRelation},
    {">=", CelOp::kGreaterEqual, kRelation},
    {"in", CelOp::kIn, kRelation},
    {"+", CelOp::kAdd, 4},
    {"-", CelOp::kSubtract, 4},
    {"*", CelOp::kMultiply, 5},
    {"/", CelOp::kDivide, 5},
    {"%", CelOp::kModulo, 5},
}};

struct Macro {
  std::string_view name;
  CelOp op;
  std::size_t max_args;  ///< The variable included; at least 2.
};
constexpr std::array<Macro, 5> kMacros = {{{"all", CelOp::kAll, 2},
                                           {"exists", CelOp::kExists, 2},
                                           {"exists_one", CelOp::kExistsOne, 2},
                                           {"filter", CelOp::kFilter, 2},
                                           {"map", CelOp::kTransform, 3}}};

// What cel-spec reserves; Kubernetes escapes fields of these names as `__name__`.
constexpr std::array<std::string_view, 22> kReserved = {
    "true",      "false",  "null",     "in",   "as",     "break",       "const", "continue",
    "else",      "for",    "function", "if",   "import", "let",         "loop",  "package",
    "namespace", "return", "var",      "void", "while",  "__reserved__"};

bool IsReserved(std::string_view name) {
  return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end();
}

/// The field that an escaped name stands for (kubernetes.io, "Validation rules", escaping table).
std::string UnescapeField(std::string_view name) {
  if (name.size() > 4 && name.starts_with("__") && name.ends_with("__")) {
    if (const auto word = name.substr(2, name.size() - 4); IsReserved(word)) {
      return std::string(word);
    }
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kEscapes = {
      {{"__underscores__", "__"}, {"__dot__", "."}, {"__dash__", "-"}, {"__slash__", "/"}}};
  std::string out;
  for (std::size_t at = 0; at < name.size();) {
    const auto escape = std::find_if(kEscapes.begin(), kEscapes.end(), [&](const auto& candidate) {
      return name.substr(at).starts_with(candidate.first);
    });
    if (escape == kEscapes.end()) {
      out += name[at++];
    } else {
      out += escape->second;
      at += escape->first.size();
    }
  }
  return out;
}

class Parser {
 public:
  explicit Parser(std::vector<CelToken> tokens) : tokens_(std::move(tokens)) {}

  Result<CelTree> Run() {
    MIDWATCH_ASSIGN(tree_.root, Expression());
    if (Peek().kind != CelTokenKind::kEnd) {
      return Unexpected("the end of the expression");
    }
    return std::move(tree_);
  }

 private:
  const CelToken& Peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  CelToken Take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool IsSymbol(std::string_view symbol, std::size_t ahead = 0) const {
    return Peek(ahead).kind == CelTokenKind::kSymbol && Peek(ahead).text == symbol;
  }
  bool TakeSymbol(std::string_view symbol) {
    const bool there = IsSymbol(symbol);
    at_ += there ? 1 : 0;
    return there;
  }
  Result<void> Expect(std::string_view symbol) {
    if (!TakeSymbol(symbol)) {
      return Unexpected(Quote(symbol));
    }
    return {};
  }
  tl::unexpected<Error> Unexpected(std::string_view wanted) const {
    const std::string found =
        Peek().kind == CelTokenKind::kEnd ? "the end of the expression" : Quote(Peek().text);
    return CelSyntaxError(Peek().offset, "expected " + std::string(wanted) + ", found " + found);
  }
  tl::unexpected<Error> TooDeep() const {
    return CelSyntaxError(Peek().offset,
                          "nested deeper than " + std::to_string(kCelDepth) + " levels");
  }

  Node Make(CelOp op, std::vector<CelNode> args) const {
    CelNode node{.op = op,
                 .depth = 1,
                 .slot = 0,
                 .function = nullptr,
                 .literal = {},
                 .text = {},
                 .pattern = {},
                 .args = std::move(args)};
    for (const CelNode& arg : node.args) {
      node.depth = std::max(node.depth, arg.depth + 1);
    }
    return node.depth > kCelDepth ? Node(TooDeep()) : Node(std::move(node));
  }
  static CelNode Literal(CelValue value) {
    CelNode node;
    node.literal = std::move(value);
    return node;
  }

  /// One level of nesting of the parser itself.
  Node Expression() {
    if (nesting_ >= kCelDepth) {
      return TooDeep();
    }
    ++nesting_;
    Node node = Conditional();
    --nesting_;
    return node;
  }

  Node Conditional() {
    MIDWATCH_ASSIGN(CelNode condition, Binary(1));
    if (!TakeSymbol("?")) {
      return condition;
    }
    MIDWATCH_ASSIGN(CelNode yes, Binary(1));
    MIDWATCH_TRY(Expect(":"));
    MIDWATCH_ASSIGN(CelNode no, Expression());
    return Make3(CelOp::kConditional, std::move(condition), std::move(yes), std::move(no));
  }

  Node Make2(CelOp op, CelNode a, CelNode b) const {
    std::vector<CelNode> args;
    args.push_back(std::move(a));
    args.push_back(std::move(b));
    return Make(op, std::move(args));
  }
  Node Make3(CelOp op, CelNode a, CelNode b, CelNode c) const {
    std::vector<CelNode> args;
    args.push_back(std::move(a));
    args.push_back(std::move(b));
    args.push_back(std::move(c));
    return Make(op, std::move(args));
  }

  const BinaryOperator* PeekBinary(int least) const {
    const CelToken& token = Peek();
    if (token.kind != CelTokenKind::kSymbol && token.text != "in") {
      return nullptr;
    }
    const auto found = std::find_if(kBinary.begin(), kBinary.end(), [&](const auto& candidate) {
      return candidate.symbol == token.text && candidate.precedence >= least;
    });
    return found == kBinary.end() || token.kind == CelTokenKind::kString ? nullptr : &*found;
  }

  Node Binary(int least) {
    MIDWATCH_ASSIGN(CelNode left, Unary());
    while (const BinaryOperator* found = PeekBinary(least)) {
      ++at_;
      MIDWATCH_ASSIGN(CelNode right, Binary(found->precedence + 1));
      const bool chain = found->op == CelOp::kAnd || found->op == CelOp::kOr;
      if (chain && left.op == found->op) {
        left.depth = std::max(left.depth, right.depth + 1);
        left.args.push_back(std::move(right));
        if (left.depth > kCelDepth) {
          return TooDeep();
        }
        continue;
      }
      MIDWATCH_ASSIGN(left, Make2(found->op, std::move(left), std::move(right)));
    }
    return left;
  }

  Node Unary() {
    if (IsSymbol("-") && IsNumber(Peek(1))) {
      ++at_;
      MIDWATCH_ASSIGN(CelNode number, Number(Take(), "-"));
      return Postfix(std::move(number));
    }
    const bool negates = IsSymbol("-");
    if (!negates && !IsSymbol("!")) {
      MIDWATCH_ASSIGN(CelNode primary, Primary());
      return Postfix(std::move(primary));
    }
    if (nesting_ >= kCelDepth) {
      return TooDeep();
    }
    ++at_;
    ++nesting_;
    Node operand = Unary();
    --nesting_;
    MIDWATCH_TRY(operand);
    std::vector<CelNode> args;
    args.push_back(*std::move(operand));
    return Make(negates ? CelOp::kNegate : CelOp::kNot, std::move(args));
  }

  static bool IsNumber(const CelToken& token) {
    return token.kind == CelTokenKind::kInt || token.kind == CelTokenKind::kDouble;
  }

  static Node Number(const CelToken& token, std::string_view sign) {
    const bool hex = token.text.starts_with("0x") || token.text.starts_with("0X");
    const std::string digits = std::string(sign) + token.text.substr(hex ? 2 : 0);
    const char* end = digits.data() + digits.size();
    if (token.kind == CelTokenKind::kDouble) {
      double value = 0;
      const auto [stop, error] = std::from_chars(digits.data(), end, value);
      return error == std::errc() && stop == end
                 ? Node(Literal(CelValue::Of(value)))
                 : Node(CelSyntaxError(token.offset, "number out of range"));
    }
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), end, value, hex ? 16 : 10);
    return error == std::errc() && stop == end
               ? Node(Literal(CelValue::Of(value)))
               : Node(CelSyntaxError(token.offset, "integer out of range"));
  }

  Node Postfix(CelNode node) {
    while (true) {
      if (IsSymbol(".")) {
        ++at_;
        MIDWATCH_ASSIGN(node, Member(std::move(node)));
      } else if (TakeSymbol("[")) {
        MIDWATCH_ASSIGN(CelNode index, Expression());
        MIDWATCH_TRY(Expect("]"));
        MIDWATCH_ASSIGN(node, Make2(CelOp::kIndex, std::move(node), std::move(index)));
      } else {
        return node;
      }
    }
  }

  Node Member(CelNode object) {
    if (Peek().kind != CelTokenKind::kName) {
      return Unexpected("a field name");
    }
    const CelToken name = Take();
    if (TakeSymbol("(")) {
      const auto macro = std::find_if(kMacros.begin(), kMacros.end(),
                                      [&](const Macro& m) { return m.name == name.text; });
      return macro == kMacros.end() ? Call(name, true, std::move(object))
                                    : Comprehension(*macro, name, std::move(object));
    }
    if (IsReserved(name.text)) {
      return CelSyntaxError(name.offset, "\"" + name.text +
                                             "\" is a reserved word, the field is "
                                             "written \"__" +
                                             name.text + "__\"");
    }
    std::vector<CelNode> args;
    args.push_back(std::move(object));
    MIDWATCH_ASSIGN(CelNode node, Make(CelOp::kField, std::move(args)));
    node.text = UnescapeField(name.text);
    return node;
  }

  Node Comprehension(const Macro& macro, const CelToken& name, CelNode range) {
    const CelToken variable = Take();
    if (variable.kind != CelTokenKind::kName || IsReserved(variable.text) || !TakeSymbol(",")) {
      return CelSyntaxError(variable.offset,
                            "expected a variable and an expression in " + Quote(macro.name));
    }
    const auto slot = static_cast<std::uint32_t>(2 + scope_.size());
    tree_.slots = std::max(tree_.slots, slot + 1);
    scope_.push_back(variable.text);
    auto args = Arguments();
    scope_.pop_back();
    MIDWATCH_TRY(args);
    if (args->empty() || args->size() + 1 > macro.max_args) {
      return CelSyntaxError(name.offset, "wrong number of arguments of " + Quote(macro.name));
    }
    // `map` with three arguments has its filter in the middle.
    std::vector<CelNode> parts;
    parts.push_back(std::move(range));
    std::move(args->rbegin(), args->rend(), std::back_inserter(parts));
    MIDWATCH_ASSIGN(CelNode node, Make(macro.op, std::move(parts)));
    node.slot = slot;
    return node;
  }

  /// Up to and with the closing parenthesis.
  Result<std::vector<CelNode>> Arguments() {
    std::vector<CelNode> args;
    while (!TakeSymbol(")")) {
      if (!args.empty()) {
        MIDWATCH_TRY(Expect(","));
      }
      MIDWATCH_ASSIGN(args.emplace_back(), Expression());
    }
    return args;
  }

  Node Call(const CelToken& name, bool receiver, CelNode object) {
    MIDWATCH_ASSIGN(std::vector<CelNode> args, Arguments());
    if (!receiver && name.text == "has") {
      return Has(name, std::move(args));
    }
    const CelFunction* function = FindCelFunction(name.text, receiver);
    if (function == nullptr) {
      return CelSyntaxError(name.offset, "unknown function " + Quote(name.text));
    }
    if (receiver) {
      args.insert(args.begin(), std::move(object));
    }
    if (args.size() < function->min_args || args.size() > function->max_args) {
      return CelSyntaxError(name.offset, "wrong number of arguments of " + Quote(name.text));
    }
    if (name.text == "matches" && args[1].op == CelOp::kLiteral) {
      return ConstantMatch(name, std::move(args));
    }
    MIDWATCH_ASSIGN(CelNode node, Make(CelOp::kCall, std::move(args)));
    node.function = function;
    return node;
  }

  Node ConstantMatch(const CelToken& name, std::vector<CelNode> args) const {
    auto pattern = Pattern::Compile(args[1].literal.AsText());
    if (!pattern) {
      return CelSyntaxError(name.offset, pattern.error().message);
    }
    args.pop_back();
    MIDWATCH_ASSIGN(CelNode node, Make(CelOp::kMatch, std::move(args)));
    node.pattern = *std::move(pattern);
    return node;
  }

  static Node Has(const CelToken& name, std::vector<CelNode> args) {
    if (args.size() != 1 || args[0].op != CelOp::kField) {
      return CelSyntaxError(name.offset, "has() takes one field, as in has(self.field)");
    }
    args[0].op = CelOp::kHas;
    return std::move(args[0]);
  }

  Node Primary() {
    const CelToken token = Peek();
    switch (token.kind) {
      case CelTokenKind::kInt:
      case CelTokenKind::kDouble:
        ++at_;
        return Number(token, "");
      case CelTokenKind::kString:
        ++at_;
        return Literal(CelValue::Of(token.text));
      case CelTokenKind::kName:
        ++at_;
        return Name(token);
      default:
        break;
    }
    if (TakeSymbol("(")) {
      MIDWATCH_ASSIGN(CelNode inner, Expression());
      MIDWATCH_TRY(Expect(")"));
      return inner;
    }
    if (TakeSymbol("[")) {
      return Elements(CelOp::kList, "]");
    }
    if (TakeSymbol("{")) {
      return Elements(CelOp::kMap, "}");
    }
    return Unexpected("an expression");
  }

  Node Elements(CelOp op, std::string_view end) {
    std::vector<CelNode> args;
    while (!TakeSymbol(end)) {
      if (!args.empty()) {
        MIDWATCH_TRY(Expect(","));
        if (TakeSymbol(end)) {
          break;
        }
      }
      MIDWATCH_ASSIGN(args.emplace_back(), Expression());
      if (op == CelOp::kMap) {
        MIDWATCH_TRY(Expect(":"));
        MIDWATCH_ASSIGN(args.emplace_back(), Expression());
      }
    }
    return Make(op, std::move(args));
  }

  Node Name(const CelToken& name) {
    if (name.text == "true" || name.text == "false") {
      return Literal(CelValue::Of(name.text == "true"));
    }
    if (name.text == "null") {
      return Literal(CelValue());
    }
    if (IsReserved(name.text)) {
      return CelSyntaxError(name.offset, Quote(name.text) + " is a reserved word");
    }
    if (TakeSymbol("(")) {
      return Call(name, false, {});
    }
    CelNode node;
    node.op = CelOp::kVariable;
    if (const auto found = std::find(scope_.rbegin(), scope_.rend(), name.text);
        found != scope_.rend()) {
      node.slot = static_cast<std::uint32_t>(1 + (scope_.rend() - found));
    } else if (name.text == "oldSelf") {
      node.slot = kCelOldSelfSlot;
      tree_.uses_old_self = true;
    } else if (name.text != "self") {
      return CelSyntaxError(name.offset, "unknown name " + Quote(name.text) +
                                             ", expected self, oldSelf or a variable of a macro");
    }
    return node;
  }

  std::vector<CelToken> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  std::vector<std::string> scope_;  ///< Variables of the macros around, outermost first.
  CelTree tree_;
};

}  // namespace

Result<CelTree> ParseCel(std::string_view expression) {
  if (expression.size() > kCelExpressionBytes) {
    return Fail(ErrorCode::kInvalid, "the expression has " + std::to_string(expression.size()) +
                                         " bytes, expected at most " +
                                         std::to_string(kCelExpressionBytes));
  }
  if (const auto bad = FindInvalidUtf8(expression)) {
    return CelSyntaxError(*bad, "not valid UTF-8");
  }
  MIDWATCH_ASSIGN(std::vector<CelToken> tokens, LexCel(expression));
  return Parser(std::move(tokens)).Run();
}

}  // namespace midwatch::schema
