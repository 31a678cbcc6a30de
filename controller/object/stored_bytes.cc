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
    SkipToNext();
    if (at_ >= text_.size() || text_[at_] != '"') {
      return false;
    }
    const std::size_t name = at_ + 1;
    if (!SkipString() || at_ >= text_.size() || text_[at_] != ':') {
      return false;
    }
    name_ = text_.substr(name, at_ - 1 - name);
    value_at_ = ++at_;
    return true;
  }
  std::string_view name() const { return name_; }
  /// The members of the value, without looking for its end.
  MemberScanner Inner() const { return MemberScanner(text_.substr(value_at_)); }
  /// The value; nothing if it does not end.
  std::optional<std::string_view> Value() {
    return SkipValue() ? std::optional(text_.substr(value_at_, at_ - value_at_)) : std::nullopt;
  }

 private:
  void SkipToNext() {
    if (value_at_ != 0 && SkipValue()) {
      ++at_;  // The comma, or the closing brace.
    }
  }
  bool SkipString() {
    std::size_t end = text_.find('"', ++at_);
    while (end != std::string_view::npos) {
      const std::size_t escape = text_.substr(0, end).find('\\', at_);
      if (escape == std::string_view::npos) {
        at_ = end + 1;
        return true;
      }
      at_ = escape + 2;
      end = at_ <= end ? end : text_.find('"', at_);
    }
    at_ = text_.size();
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
  std::size_t value_at_ = 0;  // Of the member that was found last; 0: none yet.
};

std::optional<std::string_view> FindIn(MemberScanner members, std::string_view name) {
  while (members.Next()) {
    if (members.name() == name) {
      return members.Value();
    }
  }
  return std::nullopt;
}

void AppendName(std::string_view name, std::string& out) {
  out += out.back() == '{' ? "\"" : ",\"";
  out.append(name).append("\":");
}

void AppendMember(MemberScanner& member, std::string& out) {
  AppendName(member.name(), out);
  out.append(member.Value().value_or("null"));
}

}  // namespace

std::optional<std::string_view> FindMember(std::string_view object, std::string_view name) {
  return FindIn(MemberScanner(object), name);
}

std::string WithResourceVersion(std::string_view object, std::string_view version) {
  std::optional<std::string_view> old;
  for (MemberScanner members(object); members.Next();) {
    if (members.name() == "metadata") {
      old = FindIn(members.Inner(), "resourceVersion");
      break;
    }
  }
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
  int missing = 3;  // What follows the last of them, as spec and status do, is not looked at.
  for (MemberScanner members(object); missing > 0 && members.Next(); --missing) {
    if (members.name() == "apiVersion" || members.name() == "kind") {
      AppendMember(members, out);
    } else if (members.name() == "metadata") {
      AppendName(members.name(), out);
      out += '{';
      for (MemberScanner inner = members.Inner(); inner.Next();) {
        if (inner.name() != "managedFields") {
          AppendMember(inner, out);
        }
      }
      out += '}';
    } else {
      ++missing;
    }
  }
  return out + "}";
}

}  // namespace midwatch
