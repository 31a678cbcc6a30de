#include "controller/manifest/field_message.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "controller/base/text.h"

namespace midwatch::manifest {
namespace {

constexpr std::array<std::string_view, 7> kTypes = {R"("null")",   R"("boolean")", R"("integer")",
                                                    R"("number")", R"("string")",  R"("array")",
                                                    R"("object")"};

bool IsType(std::string_view quoted) {
  return std::find(kTypes.begin(), kTypes.end(), quoted) != kTypes.end();
}

bool Take(std::string_view& text, std::string_view prefix) {
  const bool there = text.starts_with(prefix);
  text.remove_prefix(there ? prefix.size() : 0);
  return there;
}

struct Split {
  std::string_view before;
  std::string_view after;
};
std::optional<Split> Cut(std::string_view text, std::string_view at) {
  const std::size_t found = text.find(at);
  return found == text.npos
             ? std::nullopt
             : std::optional(Split{text.substr(0, found), text.substr(found + at.size())});
}

/// The value as it is written, or the name of its type.
std::string Found(std::string_view value) {
  return "found " + std::string(IsType(value) ? value.substr(1, value.size() - 2) : value);
}

/// `a name must … (e.g. 'x', regex used for validation is '…')`: people read the example.
std::string WithoutRegex(std::string_view detail) {
  const auto parts = Cut(detail, ", regex used for validation is");
  const auto only = Cut(detail, " (regex used for validation is");
  return only    ? std::string(only->before)
         : parts ? std::string(parts->before) + ")"
                 : std::string(detail);
}

std::string OfInvalid(std::string_view field, std::string_view text) {
  const std::string in_body = std::string(field) + " in body ";
  if (const auto parts = Cut(text, ": " + in_body + "must be of type ")) {
    const std::string_view type = parts->after.substr(0, parts->after.find(": "));
    return "expected " + std::string(type) + ", " + Found(parts->before);
  }
  if (const auto parts = Cut(text, ": " + in_body)) {
    return std::string(parts->before) + " " + std::string(parts->after);
  }
  // A rule in CEL names the type of what it looked at.
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](std::string_view one) {
    return text.starts_with(one) && text.substr(one.size()).starts_with(": ");
  });
  return WithoutRegex(type == kTypes.end() ? text : text.substr(type->size() + 2));
}

}  // namespace

std::string FieldMessage(const schema::FieldError& error) {
  std::string_view text = error.message;
  if (Take(text, "Invalid value: ")) {
    return OfInvalid(error.field, text);
  }
  if (Take(text, "Unsupported value: ")) {
    if (const auto parts = Cut(text, ": supported values: ")) {
      return "expected one of " + std::string(parts->after) + ", " + Found(parts->before);
    }
  }
  if (Take(text, "Required value")) {
    return "required value" + std::string(text);
  }
  if (const auto keys = Cut(text, "Duplicate value: map[string]interface {}")) {
    return "duplicate value: " + std::string(keys->after);  // Without the type that Go gives it.
  }
  for (const std::string_view start : {"Too long", "Too many", "Duplicate value"}) {
    if (Take(text, start)) {
      return ToLower(start) + std::string(text);
    }
  }
  return error.message;
}

}  // namespace midwatch::manifest
