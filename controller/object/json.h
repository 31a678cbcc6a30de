#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/copy_on_write.h"

namespace midwatch {

/// A JSON value (RFC 8259). Objects keep their members sorted by name, so equal values have equal
/// bytes. Integers that fit int64 stay integers; other numbers are doubles. Value semantics, though
/// copies share what none of them writes: a reference to a part, had from a function that is not
/// const, may not be written through once the whole has been copied. Const access from several
/// threads is safe.
class Json {
 public:
  struct Member;
  using Array = std::vector<Json>;
  using Object =
      std::vector<Member>;  ///< Sorted by name, each name once. Write through Set and Erase.

  Json();
  Json(std::nullptr_t) : Json() {}                // NOLINT: values convert as literals do.
  Json(bool value);                               // NOLINT
  Json(int value) : Json(std::int64_t{value}) {}  // NOLINT
  Json(std::int64_t value);                       // NOLINT
  Json(double value);                             // NOLINT
  Json(const char* value);                        // NOLINT
  Json(std::string_view value);                   // NOLINT
  Json(std::string value);                        // NOLINT
  Json(Array value);                              // NOLINT
  static Json EmptyArray();
  static Json EmptyObject();
  /// An object literal: `Json::Of({{"kind", "Status"}, {"code", 404}})`.
  static Json Of(std::initializer_list<Member> members);
  static Json ArrayOf(std::initializer_list<Json> items);

  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();

  bool IsNull() const;
  bool IsBool() const;
  bool IsInt() const;
  bool IsNumber() const;  ///< Integer or double.
  bool IsString() const;
  bool IsArray() const;
  bool IsObject() const;
  /// `null`, `boolean`, `integer`, `number`, `string`, `array` or `object`.
  std::string_view TypeName() const;

  // The value, if it has that type; otherwise the neutral value (false, 0, empty). Never undefined.
  bool AsBool() const;
  std::int64_t AsInt() const;
  double AsDouble() const;
  const std::string& AsString() const;
  const Array& Items() const;
  const Object& Members() const;

  /// The member, or nullptr if this is no object or has no such member.
  const Json* Find(std::string_view name) const;
  Json* FindMutable(std::string_view name);
  /// The value at a path of member names, or null: `object.At("metadata", "name")`.
  template <typename... Names>
  const Json& At(std::string_view name, Names... rest) const {
    const Json& child = At(name);
    if constexpr (sizeof...(rest) == 0) {
      return child;
    } else {
      return child.At(rest...);
    }
  }
  const Json& At(std::string_view name) const;

  /// The member, created as null where missing; a value that is no object becomes an empty one
  /// first.
  Json& operator[](std::string_view name);
  /// True if both are the same container, had by copying: then they are equal.
  bool SharesWith(const Json& other) const;
  void Set(std::string_view name, Json value);
  bool Erase(std::string_view name);  ///< True if there was one.
  Array& MutableItems();              ///< A value that is no array becomes an empty one first.
  Object& MutableMembers();           ///< Likewise an object. Keep it sorted.
  void Append(Json item);

  /// Compact, members sorted, no white space. Strings that are not UTF-8 come out with U+FFFD.
  std::string Dump() const;
  /// True if ParseJson of it gives this very value: not so with a double that looks like an integer
  /// or a string that is not UTF-8.
  bool DumpTo(std::string& out) const;
  std::string DumpPretty(int indent = 2) const;

  /// Structural; 1 and 1.0 are equal.
  friend bool operator==(const Json& a, const Json& b);

 private:
  using Value = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string,
                             CopyOnWrite<Array>, CopyOnWrite<Object>>;
  Value value_;
};

struct Json::Member {
  std::string name;
  Json value;

  friend bool operator==(const Member&, const Member&) = default;
};

/// What ParseJson accepts.
struct JsonLimits {
  std::size_t bytes = std::size_t{3} << 20;  ///< kTooLarge beyond it.
  int depth = 64;                            ///< Nested containers.
  std::size_t nodes = 1'000'000;
  bool reject_duplicates = false;  ///< Otherwise the last one wins and its path is noted.
};

struct ParsedJson {
  Json value;
  std::vector<std::string> duplicates;  ///< Paths of repeated members (`spec.color`), at most 100.
};

/// Strict RFC 8259 with valid UTF-8. Errors are kBadRequest and name line and column.
Result<ParsedJson> ParseJson(std::string_view text, const JsonLimits& limits);
/// ParseJson with the default limits, duplicates ignored.
Result<Json> ParseJson(std::string_view text);

/// Appends `text` as a JSON string, quotes included.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace midwatch
