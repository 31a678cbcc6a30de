#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace midwatch::schema {

/// Where a walk through an object stands: a chain of steps on the stack, made a text only when
/// there is something to report. A child must not outlive its parent.
class FieldPath {
 public:
  FieldPath() = default;  ///< The root.

  FieldPath Field(std::string_view name) const { return {this, name, Kind::kField, 0}; }
  FieldPath Key(std::string_view name) const { return {this, name, Kind::kKey, 0}; }
  FieldPath Index(std::size_t index) const { return {this, {}, Kind::kIndex, index}; }

  /// `spec.ports[0].name`, `spec.labels[app]`; empty for the root.
  std::string ToString() const {
    if (parent_ == nullptr) {
      return {};
    }
    std::string out = parent_->ToString();
    if (kind_ == Kind::kField) {
      out += out.empty() ? "" : ".";
      return out += name_;
    }
    out += '[';
    out += kind_ == Kind::kKey ? std::string(name_) : std::to_string(index_);
    return out += ']';
  }

 private:
  enum class Kind : unsigned char { kField, kKey, kIndex };
  FieldPath(const FieldPath* parent, std::string_view name, Kind kind, std::size_t index)
      : parent_(parent), name_(name), index_(index), kind_(kind) {}

  const FieldPath* parent_ = nullptr;
  std::string_view name_;
  std::size_t index_ = 0;
  Kind kind_ = Kind::kField;
};

}  // namespace midwatch::schema
