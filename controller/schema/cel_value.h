#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "controller/base/time.h"
#include "controller/object/json.h"

namespace midwatch::schema {

/// The types of CEL that our subset has. `uint`, `bytes`, `type` and optionals are left out.
enum class CelKind : std::uint8_t {
  kNull,
  kBool,
  kInt,
  kDouble,
  kString,
  kDuration,
  kTimestamp,
  kList,
  kMap,
};

/// `null_type`, `bool`, `int`, …: the names that CEL gives them, for messages.
std::string_view NameOf(CelKind kind);

/// A value of the Common Expression Language. Values that come from a Json tree are borrowed, not
/// copied: a CelValue is valid as long as the trees and the program that it was computed from.
/// Computed strings, lists and maps are shared. Cheap to copy; immutable.
class CelValue {
 public:
  using List = std::vector<CelValue>;
  using Map = std::vector<std::pair<CelValue, CelValue>>;  ///< Keys are distinct.

  CelValue() = default;                      ///< null
  static CelValue Borrow(const Json& json);  ///< Integers become int, other numbers double.
  static CelValue Borrow(std::string_view text);
  static CelValue Of(bool value);
  static CelValue Of(std::int64_t value);
  static CelValue Of(double value);
  static CelValue Of(std::string value);
  static CelValue Of(Duration value);
  static CelValue Of(WallTime value);
  static CelValue Of(List value);
  static CelValue Of(Map value);

  CelKind kind() const;
  bool Is(CelKind wanted) const { return kind() == wanted; }
  bool IsNumber() const { return Is(CelKind::kInt) || Is(CelKind::kDouble); }

  // The value, if it has that type; otherwise the neutral value. Never undefined.
  bool AsBool() const;
  std::int64_t AsInt() const;
  double AsDouble() const;  ///< Of an int as well.
  std::string_view AsText() const;
  Duration AsDuration() const;
  WallTime AsTime() const;

  /// Items of a list, entries of a map, otherwise 0.
  std::size_t Count() const;
  /// Item of a list, or key of a map (what a comprehension ranges over). `index` < Count().
  CelValue ElementAt(std::size_t index) const;
  /// Value of a map's entry. `index` < Count().
  CelValue EntryAt(std::size_t index) const;
  /// The entry of a map with that string as key, or nothing.
  std::optional<CelValue> FindText(std::string_view key) const;

  /// A copy as JSON: durations and timestamps as strings, keys of maps as strings.
  Json ToJson() const;

 private:
  using SharedText = std::shared_ptr<const std::string>;
  using SharedList = std::shared_ptr<const List>;
  using SharedMap = std::shared_ptr<const Map>;
  using Value = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string_view,
                             SharedText, Duration, WallTime, const Json*, SharedList, SharedMap>;
  explicit CelValue(Value value) : value_(std::move(value)) {}

  Value value_ = nullptr;
};

/// `1h30m` as CEL prints durations: `5400s`, with a fraction where there is one.
std::string FormatCelDuration(Duration duration);

}  // namespace midwatch::schema
