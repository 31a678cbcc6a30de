#include "controller/api/codec.h"

#include <string>

#include "controller/base/text.h"

namespace midwatch::api {
namespace {

constexpr std::size_t kQuotedBytes = 64;  // Of an unknown word in an error.

/// Where the decoder is. Lives on the stack; becomes text only for an error.
struct Path {
  const Path* parent = nullptr;
  std::string_view name = {};  // Of a member; empty for an element.
  std::size_t index = 0;

  std::string ToString() const {
    std::string text = parent == nullptr ? "" : parent->ToString();
    if (name.empty() && parent != nullptr) {
      return text + "[" + std::to_string(index) + "]";
    }
    if (!text.empty() && !name.empty()) {
      text += '.';
    }
    return text.append(name);
  }
};

tl::unexpected<Error> Invalid(const Path& path, std::string_view what) {
  const std::string place = path.ToString();
  return Fail(ErrorCode::kInvalid, (place.empty() ? "" : place + ": ") + std::string(what));
}

tl::unexpected<Error> WrongType(const Path& path, std::string_view expected, const Json& found) {
  return Invalid(path,
                 "expected " + std::string(expected) + ", found " + std::string(found.TypeName()));
}

template <typename T>
T& As(void* slot) {
  return *static_cast<T*>(slot);
}
template <typename T>
const T& As(const void* slot) {
  return *static_cast<const T*>(slot);
}

Result<void> DecodeMembers(const StructInfo& info, void* target, const Json& json,
                           const Path& path);

Result<void> DecodeTime(void* slot, const Json& json, const Path& path) {
  auto time = ParseTime(json.AsString());
  if (!json.IsString() || !time) {
    return Invalid(path, "expected a time such as 2026-11-21T06:57:00Z");
  }
  As<WallTime>(slot) = *time;
  return {};
}

Result<void> DecodeDuration(void* slot, const Json& json, const Path& path) {
  auto duration = ParseDuration(json.AsString());
  if (!json.IsString() || !duration) {
    return Invalid(path, "expected a duration such as 90s or 1h30m");
  }
  As<Duration>(slot) = *duration;
  return {};
}

std::string ExpectedWords(const EnumInfo& info) {
  return Join(std::vector<std::string>(info.words.begin(), info.words.end()), ", ");
}

Result<void> DecodeEnum(const EnumInfo& info, void* slot, const Json& json, const Path& path) {
  if (!json.IsString()) {
    return WrongType(path, "string", json);
  }
  const auto index = internal::FindWord(info, json.AsString());
  if (!index) {
    return Invalid(path, "unknown value " + Quote(Utf8Prefix(json.AsString(), kQuotedBytes)) +
                             ", expected one of " + ExpectedWords(info));
  }
  As<std::uint8_t>(slot) = static_cast<std::uint8_t>(*index);
  return {};
}

Result<void> DecodeMap(void* slot, const Json& json, const Path& path) {
  if (!json.IsObject()) {
    return WrongType(path, "object", json);
  }
  auto& map = As<StringMap>(slot);
  for (const auto& [name, item] : json.Members()) {
    if (!item.IsString()) {
      return WrongType(Path{&path, name}, "string", item);
    }
    map.emplace_hint(map.end(), name, item.AsString());
  }
  return {};
}

Result<void> DecodeValue(const FieldInfo& field, void* slot, const Json& json, const Path& path) {
  switch (field.type) {
    case FieldType::kString:
      if (!json.IsString()) {
        return WrongType(path, "string", json);
      }
      As<std::string>(slot) = json.AsString();
      return {};
    case FieldType::kBool:
      if (!json.IsBool()) {
        return WrongType(path, "boolean", json);
      }
      As<bool>(slot) = json.AsBool();
      return {};
    case FieldType::kInt:
      if (!json.IsInt()) {
        return WrongType(path, "integer", json);
      }
      As<std::int64_t>(slot) = json.AsInt();
      return {};
    case FieldType::kTime:
      return DecodeTime(slot, json, path);
    case FieldType::kDuration:
      return DecodeDuration(slot, json, path);
    case FieldType::kEnum:
      return DecodeEnum(*field.enum_info, slot, json, path);
    case FieldType::kStruct:
      return DecodeMembers(*field.struct_info, slot, json, path);
    case FieldType::kStringMap:
      return DecodeMap(slot, json, path);
  }
  return {};
}

Result<void> DecodeList(const FieldInfo& field, void* list, const Json& json, const Path& path) {
  if (!json.IsArray()) {
    return WrongType(path, "array", json);
  }
  std::size_t index = 0;
  for (const Json& item : json.Items()) {
    MIDWATCH_TRY(DecodeValue(field, field.container->add(list), item, Path{&path, {}, index}));
    ++index;
  }
  return {};
}

Result<void> DecodeField(const FieldInfo& field, void* target, const Json& json,
                         const Path& parent) {
  const Path path{&parent, field.name};
  const Json* value = json.Find(field.name);
  if (value == nullptr || value->IsNull()) {
    return (field.rules & kRequired) != 0 ? Result<void>(Invalid(path, "required, but missing"))
                                          : Result<void>();
  }
  void* slot = static_cast<std::byte*>(target) + field.offset;
  if (field.is_list) {
    return DecodeList(field, slot, *value, path);
  }
  return DecodeValue(field, field.container == nullptr ? slot : field.container->add(slot), *value,
                     path);
}

Result<void> DecodeMembers(const StructInfo& info, void* target, const Json& json,
                           const Path& path) {
  if (!json.IsObject()) {
    return WrongType(path, "object", json);
  }
  for (const FieldInfo& field : info.fields) {
    MIDWATCH_TRY(DecodeField(field, target, json, path));
  }
  return {};
}

Json EncodeMap(const StringMap& map) {
  Json json = Json::EmptyObject();
  for (const auto& [name, value] : map) {
    json.Set(name, value);
  }
  return json;
}

Json EncodeValue(const FieldInfo& field, const void* slot) {
  switch (field.type) {
    case FieldType::kString:
      return As<std::string>(slot);
    case FieldType::kBool:
      return As<bool>(slot);
    case FieldType::kInt:
      return As<std::int64_t>(slot);
    case FieldType::kTime:
      return (field.rules & kMicroTime) != 0 ? FormatMicroTime(As<WallTime>(slot))
                                             : FormatTime(As<WallTime>(slot));
    case FieldType::kDuration:
      return FormatDuration(As<Duration>(slot));
    case FieldType::kEnum:
      return field.enum_info->words[As<std::uint8_t>(slot)];
    case FieldType::kStruct:
      return internal::EncodeStruct(*field.struct_info, slot);
    case FieldType::kStringMap:
      return EncodeMap(As<StringMap>(slot));
  }
  return {};
}

Json EncodeList(const FieldInfo& field, const void* list) {
  Json json = Json::EmptyArray();
  const std::size_t size = field.container->size(list);
  for (std::size_t i = 0; i < size; ++i) {
    json.Append(EncodeValue(field, field.container->at(list, i)));
  }
  return json;
}

/// Whether a plain member holds nothing that anybody needs to read.
bool IsEmpty(FieldType type, const void* slot) {
  switch (type) {
    case FieldType::kString:
      return As<std::string>(slot).empty();
    case FieldType::kStringMap:
      return As<StringMap>(slot).empty();
    case FieldType::kBool:
      return !As<bool>(slot);
    default:
      return false;
  }
}

void EncodeField(const FieldInfo& field, const void* source, Json& out) {
  const void* slot = static_cast<const std::byte*>(source) + field.offset;
  const bool always = (field.rules & (kRequired | kAlwaysWritten)) != 0;
  if (field.is_list) {
    if (always || field.container->size(slot) > 0) {
      out.Set(field.name, EncodeList(field, slot));
    }
  } else if (field.container != nullptr) {
    if (field.container->size(slot) > 0) {
      out.Set(field.name, EncodeValue(field, field.container->at(slot, 0)));
    }
  } else if (always || !IsEmpty(field.type, slot)) {
    out.Set(field.name, EncodeValue(field, slot));
  }
}

}  // namespace

namespace internal {

Result<void> DecodeStruct(const StructInfo& info, void* target, const Json& json,
                          std::string_view path) {
  return DecodeMembers(info, target, json, Path{nullptr, path});
}

Json EncodeStruct(const StructInfo& info, const void* source) {
  Json json = Json::EmptyObject();
  for (const FieldInfo& field : info.fields) {
    EncodeField(field, source, json);
  }
  return json;
}

Result<void> DecodeBody(const ResourceType& type, const StructInfo& info, const Json& body,
                        void* target) {
  if (body.At("kind").AsString() != type.kind ||
      body.At("apiVersion").AsString() != type.ApiVersion()) {
    return Fail(ErrorCode::kInvalid, "kind: expected " + type.kind + " of " + type.ApiVersion() +
                                         ", found " + Quote(body.At("kind").AsString()) + " of " +
                                         Quote(body.At("apiVersion").AsString()));
  }
  return DecodeStruct(info, target, body, {});
}

Json EncodeBody(const ResourceType& type, const StructInfo& info, const ObjectMeta& meta,
                const void* source) {
  Json body = EncodeStruct(info, source);
  body.Set("apiVersion", type.ApiVersion());
  body.Set("kind", type.kind);
  body.Set("metadata", ToJson(meta));
  return body;
}

std::optional<std::size_t> FindWord(const EnumInfo& info, std::string_view word) {
  for (std::size_t i = 0; i < info.words.size(); ++i) {
    if (info.words[i] == word) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace internal
}  // namespace midwatch::api
