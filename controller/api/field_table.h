#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "controller/base/time.h"

/// What the generated field tables are made of. Only generated code and the codec use this;
/// everything else reads and writes structs through codec.h.
namespace midwatch::api {

using StringMap = std::map<std::string, std::string, std::less<>>;

struct StructInfo;

/// The words of an enum in the order of its enumerators, which count from 0.
struct EnumInfo {
  std::span<const std::string_view> words;
};

/// Specialised for every generated enum.
template <typename E>
inline constexpr EnumInfo kEnumInfo{};

enum class FieldType : std::uint8_t {
  kString,
  kBool,
  kInt,
  kTime,
  kDuration,
  kEnum,
  kStruct,
  kStringMap
};

/// How a field may be absent; a set of flags.
enum FieldRule : std::uint8_t {
  kPlain = 0,
  kRequired = 1,       ///< Absent is an error when decoding; always written.
  kAlwaysWritten = 2,  ///< Written even if zero or empty.
  kMicroTime = 4,      ///< A time with microseconds (metav1.MicroTime).
};
constexpr FieldRule operator|(FieldRule a, FieldRule b) {
  return static_cast<FieldRule>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}

/// Access to a std::optional (at most one element) or a std::vector without knowing its type.
struct ContainerOps {
  void* (*add)(void* container);  ///< Appends (or sets) a default value and returns it.
  std::size_t (*size)(const void* container);
  const void* (*at)(const void* container, std::size_t index);
};

/// One member of a struct.
struct FieldInfo {
  std::string_view name;  ///< In JSON.
  std::size_t offset;
  FieldType type;  ///< Of the value, or of the elements.
  FieldRule rules;
  bool is_list;                   ///< A std::vector.
  const ContainerOps* container;  ///< nullptr for a plain member.
  const StructInfo* struct_info;  ///< Only for kStruct.
  const EnumInfo* enum_info;      ///< Only for kEnum.
};

/// The members of a struct, in the order of the schema.
struct StructInfo {
  std::span<const FieldInfo> fields;
};

namespace internal {

template <typename T>
struct Element {
  using Type = T;
  static constexpr bool kIsList = false;
  static constexpr const ContainerOps* kOps = nullptr;
};

template <typename T>
inline constexpr ContainerOps kOptionalOps{
    [](void* container) -> void* { return &static_cast<std::optional<T>*>(container)->emplace(); },
    [](const void* container) -> std::size_t {
      return static_cast<const std::optional<T>*>(container)->has_value() ? 1 : 0;
    },
    [](const void* container, std::size_t) -> const void* {
      return &**static_cast<const std::optional<T>*>(container);
    }};

template <typename T>
inline constexpr ContainerOps kVectorOps{
    [](void* container) -> void* {
      return &static_cast<std::vector<T>*>(container)->emplace_back();
    },
    [](const void* container) { return static_cast<const std::vector<T>*>(container)->size(); },
    [](const void* container, std::size_t index) -> const void* {
      return static_cast<const std::vector<T>*>(container)->data() + index;
    }};

template <typename T>
struct Element<std::optional<T>> {
  using Type = T;
  static constexpr bool kIsList = false;
  static constexpr const ContainerOps* kOps = &kOptionalOps<T>;
};

template <typename T>
struct Element<std::vector<T>> {
  using Type = T;
  static constexpr bool kIsList = true;
  static constexpr const ContainerOps* kOps = &kVectorOps<T>;
};

template <typename T>
constexpr FieldType TypeOfElement() {
  if constexpr (std::is_same_v<T, std::string>) {
    return FieldType::kString;
  } else if constexpr (std::is_same_v<T, bool>) {
    return FieldType::kBool;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return FieldType::kInt;
  } else if constexpr (std::is_same_v<T, WallTime>) {
    return FieldType::kTime;
  } else if constexpr (std::is_same_v<T, Duration>) {
    return FieldType::kDuration;
  } else if constexpr (std::is_same_v<T, StringMap>) {
    return FieldType::kStringMap;
  } else if constexpr (std::is_enum_v<T>) {
    static_assert(std::is_same_v<std::underlying_type_t<T>, std::uint8_t>);
    return FieldType::kEnum;
  } else {
    return FieldType::kStruct;
  }
}

}  // namespace internal

/// Describes a member of type `Member`.
template <typename Member>
constexpr FieldInfo FieldOf(std::string_view name, std::size_t offset, FieldRule rules) {
  using Shape = internal::Element<Member>;
  using T = typename Shape::Type;
  constexpr FieldType kType = internal::TypeOfElement<T>();
  FieldInfo info{name, offset, kType, rules, Shape::kIsList, Shape::kOps, nullptr, nullptr};
  if constexpr (kType == FieldType::kStruct) {
    info.struct_info = &T::kInfo;
  }
  if constexpr (kType == FieldType::kEnum) {
    info.enum_info = &kEnumInfo<T>;
  }
  return info;
}

}  // namespace midwatch::api
