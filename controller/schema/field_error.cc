#include "controller/schema/field_error.h"

#include <unordered_set>

#include "controller/base/text.h"

namespace midwatch::schema {
namespace {

/// The value as Go prints it: `%q` for texts, `%v` for scalars, `%#v` for the rest.
std::string GoValue(const Json& value) {
  if (value.IsNull()) {
    return "\"null\"";
  }
  if (value.IsString()) {
    return Quote(value.AsString());
  }
  if (value.IsObject()) {
    std::string out = "map[string]interface {}{";
    for (const Json::Member& member : value.Members()) {
      out += &member == value.Members().data() ? "" : ", ";
      out += Quote(member.name) + ":" + GoValue(member.value);
    }
    return out + "}";
  }
  if (value.IsArray()) {
    std::string out = "[]interface {}{";
    for (const Json& item : value.Items()) {
      out += &item == value.Items().data() ? "" : ", ";
      out += GoValue(item);
    }
    return out + "}";
  }
  return value.Dump();
}

std::string WithDetail(std::string text, std::string_view detail) {
  return detail.empty() ? text : text + ": " + std::string(detail);
}

std::string Bounded(std::string text) {
  constexpr std::size_t kLongestValue =
      1024;  // A message shows a value; it does not repeat it all.
  return text.size() <= kLongestValue ? text : std::string(Utf8Prefix(text, kLongestValue)) + "...";
}

}  // namespace

std::string_view NameOf(CauseReason reason) {
  switch (reason) {
    case CauseReason::kInvalid:
      return "FieldValueInvalid";
    case CauseReason::kTypeInvalid:
      return "FieldValueTypeInvalid";
    case CauseReason::kRequired:
      return "FieldValueRequired";
    case CauseReason::kNotSupported:
      return "FieldValueNotSupported";
    case CauseReason::kForbidden:
      return "FieldValueForbidden";
    case CauseReason::kDuplicate:
      return "FieldValueDuplicate";
    case CauseReason::kTooLong:
      return "FieldValueTooLong";
    case CauseReason::kTooMany:
      return "FieldValueTooMany";
  }
  return "FieldValueInvalid";
}

FieldError Invalid(std::string field, const Json& value, std::string_view detail) {
  return {std::move(field), CauseReason::kInvalid,
          WithDetail("Invalid value: " + Bounded(GoValue(value)), detail)};
}

FieldError TypeInvalid(std::string field, const Json& value, std::string_view detail) {
  return {std::move(field), CauseReason::kTypeInvalid,
          WithDetail("Invalid value: " + Bounded(GoValue(value)), detail)};
}

FieldError Required(std::string field, std::string_view detail) {
  return {std::move(field), CauseReason::kRequired, WithDetail("Required value", detail)};
}

FieldError NotSupported(std::string field, const Json& value,
                        const std::vector<std::string>& supported) {
  std::vector<std::string> quoted;
  for (const std::string& one : supported) {
    quoted.push_back(Quote(one));
  }
  return {std::move(field), CauseReason::kNotSupported,
          "Unsupported value: " + Bounded(GoValue(value)) +
              ": supported values: " + Join(quoted, ", ")};
}

FieldError Forbidden(std::string field, std::string_view detail) {
  return {std::move(field), CauseReason::kForbidden, WithDetail("Forbidden", detail)};
}

FieldError Duplicate(std::string field, const Json& value) {
  return {std::move(field), CauseReason::kDuplicate, "Duplicate value: " + Bounded(GoValue(value))};
}

FieldError TooLong(std::string field, std::int64_t most_bytes) {
  return {std::move(field), CauseReason::kTooLong,
          "Too long: may not be more than " + std::to_string(most_bytes) + " bytes"};
}

FieldError TooMany(std::string field, std::int64_t found, std::int64_t most) {
  return {std::move(field), CauseReason::kTooMany,
          "Too many: " + std::to_string(found) + ": must have at most " + std::to_string(most) +
              (most == 1 ? " item" : " items")};
}

std::string JoinMessages(const std::vector<FieldError>& errors) {
  std::vector<std::string> texts;
  std::unordered_set<std::string> said;
  for (const FieldError& error : errors) {
    std::string text = error.field + ": " + error.message;
    if (said.insert(text).second) {
      texts.push_back(std::move(text));
    }
  }
  return texts.size() == 1 ? texts.front() : "[" + Join(texts, ", ") + "]";
}

Error InvalidObject(const ResourceType& type, std::string_view name,
                    const std::vector<FieldError>& errors) {
  Json causes = Json::EmptyArray();
  for (const FieldError& error : errors) {
    causes.Append(Json::Of(
        {{"reason", NameOf(error.reason)}, {"message", error.message}, {"field", error.field}}));
  }
  const Json details = Json::Of(
      {{"name", name}, {"group", type.group}, {"kind", type.kind}, {"causes", std::move(causes)}});
  const std::string kind = type.group.empty() ? type.kind : type.kind + "." + type.group;
  return {ErrorCode::kInvalid, kind + " " + Quote(name) + " is invalid: " + JoinMessages(errors),
          details.Dump()};
}

}  // namespace midwatch::schema
