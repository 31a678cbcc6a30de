#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch {

/// The subset of Kubernetes' JSONPath that printer columns and selectable fields use:
/// `.status.conditions[?(@.type=="Ready")].status`, `.spec.ports[0].name`, `.spec.tags[*]`,
/// `.metadata.annotations.example\.com/key`, `['quoted']`, with or without `{}` and a leading `$`.
/// Filters compare a path below `@` with a string, number or boolean by ==, !=, <, <=, > or >=.
class JsonPath {
 public:
  static Result<JsonPath> Parse(std::string_view text);

  /// The first value that the path leads to, or nullptr. Points into `root`.
  const Json* First(const Json& root) const;
  /// All of them, in document order.
  std::vector<const Json*> All(const Json& root) const;

  struct Field {
    std::string name;
  };
  struct Index {
    std::int64_t at;
  };  ///< Negative: from the end.
  struct Wildcard {};
  struct Filter {
    std::vector<std::string> path;
    std::string op;  ///< Empty: the path exists.
    Json value;
  };
  using Step = std::variant<Field, Index, Wildcard, Filter>;

 private:
  std::vector<Step> steps_;
};

}  // namespace midwatch
