#include "controller/object/stored_bytes.h"

#include <utility>

#include "controller/object/json.h"

namespace midwatch {
namespace {

/// Steps through the members of one object. What it cannot read ends it.
class MemberScanner {
 public:
  explicit MemberScanner(std::string_view object) : text_(object) {
    if (text_.size() < 2 || text_[0] != '{' || text_[1] != '"') {
      at_ = text_.size();
    }
  }

  bool Next() {
    if (at_ >= text_.size() || text_[at_] != '"') {
      return false;
    }
    const std::size_t name = at_ + 1;
    if (!SkipString() || at_ >= text_.size() || text_[at_] != ':') {
      return false;
    }
    name_ = text_.substr(name, at_ - 1 - name);
    const std::size_t value = ++at_;
    if (!SkipValue()) {
      return false;
    }
    value_ = text_.substr(value, at_ - value);
    ++at_;  // The comma, or the closing brace.
    return true;
  }
  std::string_view name() const { return name_; }
  std::string_view value() const { return value_; }

 private:
  bool SkipString() {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return true;
      }
    }
    return false;
  }
  bool SkipValue() {
    for (int depth = 0; at_ < text_.size();) {
      const char c = text_[at_];
      if (c == '"') {
        if (!SkipString()) {
          return false;
        }
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
        return true;
      }
      depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
      ++at_;
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 1;
  std::string_view name_;
  std::string_view value_;
};

void AppendMember(std::string_view name, std::string_view value, std::string& out) {
  out += out.back() == '{' ? "\"" : ",\"";
  out.append(name).append("\":").append(value);
}

}  // namespace

std::optional<std::string_view> FindMember(std::string_view object, std::string_view name) {
  for (MemberScanner members(object); members.Next();) {
    if (members.name() == name) {
      return members.value();
    }
  }
  return std::nullopt;
}

std::string WithResourceVersion(std::string_view object, std::string_view version) {
  const auto metadata = FindMember(object, "metadata");
  const auto old = metadata ? FindMember(*metadata, "resourceVersion") : std::nullopt;
  if (!old) {
    return std::string(object);
  }
  const auto start = static_cast<std::size_t>(old->data() - object.data());
  std::string out;
  out.reserve(object.size() + version.size() + 2);
  out.append(object.substr(0, start));
  AppendJsonString(version, out);
  out.append(object.substr(start + old->size()));
  return out;
}

std::string HeadOf(std::string_view object) {
  std::string out = "{";
  for (MemberScanner members(object); members.Next();) {
    if (members.name() == "apiVersion" || members.name() == "kind") {
      AppendMember(members.name(), members.value(), out);
    } else if (members.name() == "metadata") {
      std::string metadata = "{";
      for (MemberScanner inner(members.value()); inner.Next();) {
        if (inner.name() != "managedFields") {
          AppendMember(inner.name(), inner.value(), metadata);
        }
      }
      AppendMember("metadata", metadata + "}", out);
    }
  }
  return out + "}";
}

}  // namespace midwatch
