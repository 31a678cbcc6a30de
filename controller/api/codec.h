#pragma once

#include <concepts>
#include <optional>
#include <string_view>

#include "controller/api/field_table.h"
#include "controller/base/result.h"
#include "controller/object/json.h"
#include "controller/object/object.h"

/// Between JSON and the generated structs, by their field tables.
///
/// Decoding ignores unknown fields, takes null as absent, and leaves what is absent at its default.
/// A missing required field, a wrong type, an unknown word of an enum and a malformed time or
/// duration are kInvalid and name the field (`spec.transitions[2].state: …`). Nothing else is
/// validated: that is the work of schema/. Values of strings never appear in errors.
///
/// Encoding leaves out empty strings, lists, maps and optionals; required fields, fields with a
/// default and flags are always written. Times are written to the second unless the schema says
/// microseconds.
namespace midwatch::api {

/// A generated struct.
template <typename T>
concept ApiStruct = requires {
  { T::kInfo } -> std::same_as<const StructInfo&>;
};
/// A generated struct for a whole object.
template <typename T>
concept ApiKind = ApiStruct<T> && requires(T value) {
  { T::Type() } -> std::same_as<const ResourceType&>;
  { value.metadata } -> std::same_as<ObjectMeta&>;
};
template <typename E>
concept ApiEnum = std::is_enum_v<E> && !kEnumInfo<E>.words.empty();

namespace internal {
/// `path` names `json` itself in errors; empty for the root.
Result<void> DecodeStruct(const StructInfo& info, void* target, const Json& json,
                          std::string_view path);
Json EncodeStruct(const StructInfo& info, const void* source);
/// Everything but the metadata; kInvalid if `body` is not of that type.
Result<void> DecodeBody(const ResourceType& type, const StructInfo& info, const Json& body,
                        void* target);
Json EncodeBody(const ResourceType& type, const StructInfo& info, const ObjectMeta& meta,
                const void* source);
std::optional<std::size_t> FindWord(const EnumInfo& info, std::string_view word);
}  // namespace internal

/// The word of an enumerator, as it stands in JSON.
template <ApiEnum E>
constexpr std::string_view ToString(E value) {
  return kEnumInfo<E>.words[static_cast<std::size_t>(value)];
}

/// The enumerator of a word, if there is one. Case matters.
template <ApiEnum E>
std::optional<E> FindEnum(std::string_view word) {
  const auto index = internal::FindWord(kEnumInfo<E>, word);
  return index ? std::optional<E>(static_cast<E>(*index)) : std::nullopt;
}

/// A part of an object (a spec, a status, a result). `path` is where `json` stands, for errors.
template <ApiStruct T>
requires(!ApiKind<T>) Result<T> Decode(const Json& json, std::string_view path = {}) {
  T value{};
  MIDWATCH_TRY(internal::DecodeStruct(T::kInfo, &value, json, path));
  return value;
}

template <ApiStruct T>
requires(!ApiKind<T>) Json Encode(const T& value) {
  return internal::EncodeStruct(T::kInfo, &value);
}

/// A whole object from its tree; kInvalid if apiVersion or kind is another.
template <ApiKind T>
Result<T> FromBody(const Json& body) {
  T value{};
  MIDWATCH_TRY(internal::DecodeBody(T::Type(), T::kInfo, body, &value));
  MIDWATCH_ASSIGN(value.metadata, ParseObjectMeta(body.At("metadata")));
  return value;
}

/// The same from an Object, without a copy: nullptr if it does not decode. Parses its bytes the
/// first time; what it gives is kept with the record that `object` shares, and lives as long.
template <ApiKind T>
const T* PeekObject(const midwatch::Object& object) {
  if (const T* kept = object.FindAs<T>()) {
    return kept;
  }
  T value{};
  if (internal::DecodeBody(T::Type(), T::kInfo, object.Body(), &value)) {
    value.metadata = object.meta();
    object.KeepAs<T>(std::move(value));
  }
  return object.FindAs<T>();
}

/// The same as a value of one's own, or why it does not decode.
template <ApiKind T>
Result<T> FromObject(const midwatch::Object& object) {
  if (const T* kept = PeekObject<T>(object)) {
    return *kept;
  }
  return FromBody<T>(object.Body());
}

/// The whole object with apiVersion and kind. Never write a user's object back from it: fields that
/// the struct does not know would be lost.
template <ApiKind T>
Json ToBody(const T& value) {
  return internal::EncodeBody(T::Type(), T::kInfo, value.metadata, &value);
}

template <ApiKind T>
Result<midwatch::Object> ToObject(const T& value) {
  return midwatch::Object::FromJson(ToBody(value));
}

}  // namespace midwatch::api
