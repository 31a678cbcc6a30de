#include "controller/schema/cel_functions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "controller/base/pattern.h"
#include "controller/base/text.h"

namespace midwatch::schema {
namespace {

using Args = std::span<const CelValue>;
using Value = Result<CelValue>;

Value NoConversion(const CelValue& value, std::string_view type) {
  constexpr std::size_t kShown = 64;
  const std::string text = value.ToJson().Dump();
  return Fail(ErrorCode::kInvalid, "cannot convert " + std::string(Utf8Prefix(text, kShown)) +
                                       " to " + std::string(type));
}

bool AllText(Args args) {
  return std::all_of(args.begin(), args.end(),
                     [](const CelValue& value) { return value.Is(CelKind::kString); });
}

std::int64_t CodePoints(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

/// Byte offset of the code point at `index`; the size for the one past the end; else nothing.
std::optional<std::size_t> OffsetOf(std::string_view text, std::int64_t index) {
  if (index < 0 || index > CodePoints(text)) {
    return std::nullopt;
  }
  std::size_t at = 0;
  for (; index > 0; --index) {
    for (++at; at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U; ++at) {
    }
  }
  return at;
}

Value Size(Args args) {
  const CelValue& value = args[0];
  if (value.Is(CelKind::kString)) {
    return CelValue::Of(CodePoints(value.AsText()));
  }
  if (value.Is(CelKind::kList) || value.Is(CelKind::kMap)) {
    return CelValue::Of(static_cast<std::int64_t>(value.Count()));
  }
  return NoSuchOverload("size", args);
}

Value StartsWith(Args args) {
  return AllText(args) ? Value(CelValue::Of(args[0].AsText().starts_with(args[1].AsText())))
                       : NoSuchOverload("startsWith", args);
}
Value EndsWith(Args args) {
  return AllText(args) ? Value(CelValue::Of(args[0].AsText().ends_with(args[1].AsText())))
                       : NoSuchOverload("endsWith", args);
}
Value Contains(Args args) {
  return AllText(args) ? Value(CelValue::Of(args[0].AsText().find(args[1].AsText()) !=
                                            std::string_view::npos))
                       : NoSuchOverload("contains", args);
}
Value Matches(Args args) {
  if (!AllText(args)) {
    return NoSuchOverload("matches", args);
  }
  MIDWATCH_ASSIGN(const Pattern pattern, Pattern::Compile(args[1].AsText()));
  return CelValue::Of(pattern.FoundIn(args[0].AsText()));
}

Value ToText(Args args) {
  const CelValue& value = args[0];
  switch (value.kind()) {
    case CelKind::kString:
      return value;
    case CelKind::kBool:
      return CelValue::Of(std::string(value.AsBool() ? "true" : "false"));
    case CelKind::kInt:
      return CelValue::Of(std::to_string(value.AsInt()));
    case CelKind::kDouble:
      return CelValue::Of(value.ToJson().Dump());
    case CelKind::kDuration:
      return CelValue::Of(FormatCelDuration(value.AsDuration()));
    case CelKind::kTimestamp: {
      const bool whole = value.AsTime().unix_micros % 1'000'000 == 0;
      return CelValue::Of(whole ? FormatTime(value.AsTime()) : FormatMicroTime(value.AsTime()));
    }
    default:
      return NoSuchOverload("string", args);
  }
}

Value ToInt(Args args) {
  const CelValue& value = args[0];
  switch (value.kind()) {
    case CelKind::kInt:
      return value;
    case CelKind::kTimestamp: {
      const std::int64_t micros = value.AsTime().unix_micros;
      return CelValue::Of(micros / 1'000'000 - (micros % 1'000'000 < 0 ? 1 : 0));
    }
    case CelKind::kDouble: {
      const double whole = std::trunc(value.AsDouble());
      constexpr double kEdge = 9223372036854775808.0;
      return whole > -kEdge && whole < kEdge ? Value(CelValue::Of(static_cast<std::int64_t>(whole)))
                                             : Fail(ErrorCode::kInvalid, "integer overflow");
    }
    case CelKind::kString: {
      std::int64_t out = 0;
      const std::string_view text = value.AsText();
      const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
      return error == std::errc() && stop == text.data() + text.size() ? Value(CelValue::Of(out))
                                                                       : NoConversion(value, "int");
    }
    default:
      return NoSuchOverload("int", args);
  }
}

Value ToDouble(Args args) {
  const CelValue& value = args[0];
  if (value.IsNumber()) {
    return CelValue::Of(value.AsDouble());
  }
  if (!value.Is(CelKind::kString)) {
    return NoSuchOverload("double", args);
  }
  double out = 0;
  const std::string_view text = value.AsText();
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && stop == text.data() + text.size() ? Value(CelValue::Of(out))
                                                                   : NoConversion(value, "double");
}

Value ToBool(Args args) {
  const CelValue& value = args[0];
  if (value.Is(CelKind::kBool)) {
    return value;
  }
  constexpr std::array<std::string_view, 5> kTrue = {"true", "True", "TRUE", "t", "1"};
  constexpr std::array<std::string_view, 5> kFalse = {"false", "False", "FALSE", "f", "0"};
  if (!value.Is(CelKind::kString)) {
    return NoSuchOverload("bool", args);
  }
  const bool yes = std::find(kTrue.begin(), kTrue.end(), value.AsText()) != kTrue.end();
  const bool no = std::find(kFalse.begin(), kFalse.end(), value.AsText()) != kFalse.end();
  return yes || no ? Value(CelValue::Of(yes)) : NoConversion(value, "bool");
}

Value ToDuration(Args args) {
  const CelValue& value = args[0];
  if (value.Is(CelKind::kDuration)) {
    return value;
  }
  if (!value.Is(CelKind::kString)) {
    return NoSuchOverload("duration", args);
  }
  const bool negative = value.AsText().starts_with('-');
  const auto parsed = ParseDuration(value.AsText().substr(negative ? 1 : 0));
  return parsed ? Value(CelValue::Of(negative ? -*parsed : *parsed))
                : NoConversion(value, "duration");
}

Value ToTimestamp(Args args) {
  const CelValue& value = args[0];
  if (value.Is(CelKind::kTimestamp)) {
    return value;
  }
  if (!value.Is(CelKind::kString)) {
    return NoSuchOverload("timestamp", args);
  }
  const auto parsed = ParseTime(value.AsText());
  return parsed ? Value(CelValue::Of(*parsed)) : NoConversion(value, "timestamp");
}

Value Dyn(Args args) { return args[0]; }

template <std::int64_t kMicros>
Value Whole(Args args) {
  return args[0].Is(CelKind::kDuration)
             ? Value(CelValue::Of(args[0].AsDuration().count() / kMicros))
             : NoSuchOverload("duration accessor", args);
}

template <char kFirst, char kLast, int kShift>
Value ShiftCase(Args args) {
  if (!AllText(args)) {
    return NoSuchOverload("case conversion", args);
  }
  std::string out(args[0].AsText());
  for (char& c : out) {
    c = c >= kFirst && c <= kLast ? static_cast<char>(c + kShift) : c;
  }
  return CelValue::Of(std::move(out));
}

Value TrimText(Args args) {
  return AllText(args) ? Value(CelValue::Of(std::string(Trim(args[0].AsText()))))
                       : NoSuchOverload("trim", args);
}

Value SplitText(Args args) {
  if (!AllText(args) || args[1].AsText().empty()) {
    return NoSuchOverload("split", args);
  }
  CelValue::List out;
  const std::string_view separator = args[1].AsText();
  std::string_view rest = args[0].AsText();
  for (std::size_t at = rest.find(separator); at != rest.npos; at = rest.find(separator)) {
    out.push_back(CelValue::Of(std::string(rest.substr(0, at))));
    rest.remove_prefix(at + separator.size());
  }
  out.push_back(CelValue::Of(std::string(rest)));
  return CelValue::Of(std::move(out));
}

Value JoinList(Args args) {
  std::string out;
  if (!args[0].Is(CelKind::kList) || (args.size() > 1 && !args[1].Is(CelKind::kString))) {
    return NoSuchOverload("join", args);
  }
  for (std::size_t i = 0; i < args[0].Count(); ++i) {
    const CelValue item = args[0].ElementAt(i);
    if (!item.Is(CelKind::kString)) {
      return NoSuchOverload("join", std::array{args[0], item});
    }
    out += i > 0 && args.size() > 1 ? args[1].AsText() : "";
    out += item.AsText();
  }
  return CelValue::Of(std::move(out));
}

Value Substring(Args args) {
  const std::string_view text = args[0].AsText();
  const bool typed = args[0].Is(CelKind::kString) && args[1].Is(CelKind::kInt) &&
                     (args.size() < 3 || args[2].Is(CelKind::kInt));
  if (!typed) {
    return NoSuchOverload("substring", args);
  }
  const auto from = OffsetOf(text, args[1].AsInt());
  const auto to = args.size() < 3 ? std::optional(text.size()) : OffsetOf(text, args[2].AsInt());
  if (!from || !to || *from > *to) {
    return Fail(ErrorCode::kInvalid, "index out of range in substring");
  }
  return CelValue::Of(std::string(text.substr(*from, *to - *from)));
}

Value IndexOf(Args args) {
  if (args[0].Is(CelKind::kString) && args[1].Is(CelKind::kString)) {
    const std::size_t at = args[0].AsText().find(args[1].AsText());
    return CelValue::Of(at == std::string_view::npos ? std::int64_t{-1}
                                                     : CodePoints(args[0].AsText().substr(0, at)));
  }
  if (!args[0].Is(CelKind::kList)) {
    return NoSuchOverload("indexOf", args);
  }
  for (std::size_t i = 0; i < args[0].Count(); ++i) {
    if (EqualScalars(args[0].ElementAt(i), args[1])) {
      return CelValue::Of(static_cast<std::int64_t>(i));
    }
  }
  return CelValue::Of(std::int64_t{-1});
}

Value IsSorted(Args args) {
  if (!args[0].Is(CelKind::kList)) {
    return NoSuchOverload("isSorted", args);
  }
  for (std::size_t i = 1; i < args[0].Count(); ++i) {
    const auto order = CompareCel(args[0].ElementAt(i - 1), args[0].ElementAt(i));
    if (!order) {
      return NoSuchOverload("isSorted", args);
    }
    if (*order > 0) {
      return CelValue::Of(false);
    }
  }
  return CelValue::Of(true);
}

template <int kSign>
Value Extreme(Args args) {
  if (!args[0].Is(CelKind::kList) || args[0].Count() == 0) {
    return Fail(ErrorCode::kInvalid, "min and max need a list that is not empty");
  }
  CelValue best = args[0].ElementAt(0);
  for (std::size_t i = 1; i < args[0].Count(); ++i) {
    const CelValue item = args[0].ElementAt(i);
    const auto order = CompareCel(item, best);
    if (!order) {
      return NoSuchOverload("min or max", std::array{item, best});
    }
    best = *order * kSign > 0 ? item : best;
  }
  return best;
}

constexpr std::array kFunctions = {
    CelFunction{"size", true, 1, 1, false, Size},
    CelFunction{"size", false, 1, 1, false, Size},
    CelFunction{"startsWith", true, 2, 2, false, StartsWith},
    CelFunction{"endsWith", true, 2, 2, false, EndsWith},
    CelFunction{"contains", true, 2, 2, false, Contains},
    CelFunction{"matches", true, 2, 2, false, Matches},
    CelFunction{"matches", false, 2, 2, false, Matches},
    CelFunction{"string", false, 1, 1, false, ToText},
    CelFunction{"int", false, 1, 1, false, ToInt},
    CelFunction{"double", false, 1, 1, false, ToDouble},
    CelFunction{"bool", false, 1, 1, false, ToBool},
    CelFunction{"duration", false, 1, 1, false, ToDuration},
    CelFunction{"timestamp", false, 1, 1, false, ToTimestamp},
    CelFunction{"dyn", false, 1, 1, false, Dyn},
    CelFunction{"getHours", true, 1, 1, false, Whole<3'600'000'000>},
    CelFunction{"getMinutes", true, 1, 1, false, Whole<60'000'000>},
    CelFunction{"getSeconds", true, 1, 1, false, Whole<1'000'000>},
    CelFunction{"lowerAscii", true, 1, 1, false, ShiftCase<'A', 'Z', 'a' - 'A'>},
    CelFunction{"upperAscii", true, 1, 1, false, ShiftCase<'a', 'z', 'A' - 'a'>},
    CelFunction{"trim", true, 1, 1, false, TrimText},
    CelFunction{"split", true, 2, 2, true, SplitText},
    CelFunction{"join", true, 1, 2, true, JoinList},
    CelFunction{"substring", true, 2, 3, false, Substring},
    CelFunction{"indexOf", true, 2, 2, true, IndexOf},
    CelFunction{"isSorted", true, 1, 1, true, IsSorted},
    CelFunction{"min", true, 1, 1, true, Extreme<-1>},
    CelFunction{"max", true, 1, 1, true, Extreme<1>},
};

template <typename T>
int Order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

}  // namespace

const CelFunction* FindCelFunction(std::string_view name, bool receiver) {
  const auto found = std::find_if(kFunctions.begin(), kFunctions.end(), [&](const auto& function) {
    return function.name == name && function.receiver == receiver;
  });
  return found == kFunctions.end() ? nullptr : &*found;
}

tl::unexpected<Error> NoSuchOverload(std::string_view what, std::span<const CelValue> args) {
  std::string message = "no such overload: " + std::string(what) + "(";
  for (const CelValue& arg : args) {
    message += (&arg == args.data() ? "" : ", ") + std::string(NameOf(arg.kind()));
  }
  return Fail(ErrorCode::kInvalid, message + ")");
}

std::optional<int> CompareCel(const CelValue& a, const CelValue& b) {
  if (a.Is(CelKind::kInt) && b.Is(CelKind::kInt)) {
    return Order(a.AsInt(), b.AsInt());
  }
  if (a.IsNumber() && b.IsNumber()) {
    if (std::isnan(a.AsDouble()) || std::isnan(b.AsDouble())) {
      return std::nullopt;
    }
    return Order(a.AsDouble(), b.AsDouble());
  }
  if (a.kind() != b.kind()) {
    return std::nullopt;
  }
  switch (a.kind()) {
    case CelKind::kBool:
      return Order(a.AsBool(), b.AsBool());
    case CelKind::kString:
      return Order(a.AsText(), b.AsText());
    case CelKind::kDuration:
      return Order(a.AsDuration(), b.AsDuration());
    case CelKind::kTimestamp:
      return Order(a.AsTime(), b.AsTime());
    default:
      return std::nullopt;
  }
}

bool EqualScalars(const CelValue& a, const CelValue& b) {
  return (a.Is(CelKind::kNull) && b.Is(CelKind::kNull)) || CompareCel(a, b) == 0;
}

}  // namespace midwatch::schema
