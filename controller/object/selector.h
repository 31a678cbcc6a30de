#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch {

/// A Kubernetes label selector: all requirements must hold. Immutable value.
/// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api
class LabelSelector {
 public:
  using Labels = std::map<std::string, std::string, std::less<>>;

  enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kDoesNotExist, kGreater, kLess };
  struct Requirement {
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;  ///< Sorted. `=` and `==` are kIn, `!=` is kNotIn.

    friend bool operator==(const Requirement&, const Requirement&) = default;
  };

  /// The empty selector matches everything.
  LabelSelector() = default;
  /// `app=web,tier in (a, b),env!=dev,!old,new,level>3`. kBadRequest names the offset.
  static Result<LabelSelector> Parse(std::string_view text);
  /// metav1.LabelSelector: `matchLabels` and `matchExpressions`. kInvalid names the field.
  static Result<LabelSelector> FromJson(const Json& selector);

  /// As Kubernetes decides: `!=` and `notin` hold where the label is missing.
  bool Matches(const Labels& labels) const;
  bool Empty() const { return requirements_.empty(); }
  const std::vector<Requirement>& requirements() const { return requirements_; }

 private:
  std::vector<Requirement> requirements_;
};

/// A Kubernetes field selector: `metadata.name=x,status.phase!=Failed`. Immutable value.
class FieldSelector {
 public:
  struct Requirement {
    std::string field;  ///< `metadata.name`, `spec.color`
    bool equal = true;
    std::string value;

    friend bool operator==(const Requirement&, const Requirement&) = default;
  };

  /// The empty selector matches everything.
  FieldSelector() = default;
  /// Operators `=`, `==`, `!=`, joined by commas; `\` escapes `,`, `=` and itself. kBadRequest
  /// otherwise. Which fields exist is for the caller to check, by requirements().
  static Result<FieldSelector> Parse(std::string_view text);

  /// `value_of` gives the text of a field, empty where it is absent.
  bool Matches(const std::function<std::string(std::string_view field)>& value_of) const;
  bool Empty() const { return requirements_.empty(); }
  const std::vector<Requirement>& requirements() const { return requirements_; }

 private:
  std::vector<Requirement> requirements_;
};

}  // namespace midwatch
