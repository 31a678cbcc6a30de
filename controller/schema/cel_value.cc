#include "controller/schema/cel_value.h"

#include <array>
#include <cmath>

namespace midwatch::schema {
namespace {

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

CelKind KindOf(const Json& json) {
  if (json.IsObject()) {
    return CelKind::kMap;
  }
  return json.IsArray() ? CelKind::kList : CelKind::kNull;
}

std::string KeyText(const CelValue& key) {
  return key.Is(CelKind::kString) ? std::string(key.AsText()) : key.ToJson().Dump();
}

}  // namespace

std::string_view NameOf(CelKind kind) {
  constexpr std::array<std::string_view, 9> kNames = {
      "null_type", "bool", "int", "double", "string", "duration", "timestamp", "list", "map"};
  return kNames.at(static_cast<std::size_t>(kind));
}

CelValue CelValue::Borrow(const Json& json) {
  if (json.IsString()) {
    return CelValue(Value(std::string_view(json.AsString())));
  }
  if (json.IsInt()) {
    return Of(json.AsInt());
  }
  if (json.IsNumber()) {
    return Of(json.AsDouble());
  }
  if (json.IsBool()) {
    return Of(json.AsBool());
  }
  return json.IsNull() ? CelValue() : CelValue(Value(&json));
}
CelValue CelValue::Borrow(std::string_view text) { return CelValue(Value(text)); }
CelValue CelValue::Of(bool value) { return CelValue(Value(value)); }
CelValue CelValue::Of(std::int64_t value) { return CelValue(Value(value)); }
CelValue CelValue::Of(double value) { return CelValue(Value(value)); }
CelValue CelValue::Of(std::string value) {
  return CelValue(Value(std::make_shared<const std::string>(std::move(value))));
}
CelValue CelValue::Of(Duration value) { return CelValue(Value(value)); }
CelValue CelValue::Of(WallTime value) { return CelValue(Value(value)); }
CelValue CelValue::Of(List value) {
  return CelValue(Value(std::make_shared<const List>(std::move(value))));
}
CelValue CelValue::Of(Map value) {
  return CelValue(Value(std::make_shared<const Map>(std::move(value))));
}

CelKind CelValue::kind() const {
  return std::visit(
      Overloaded{
          [](std::nullptr_t) { return CelKind::kNull; }, [](bool) { return CelKind::kBool; },
          [](std::int64_t) { return CelKind::kInt; }, [](double) { return CelKind::kDouble; },
          [](std::string_view) { return CelKind::kString; },
          [](const SharedText&) { return CelKind::kString; },
          [](Duration) { return CelKind::kDuration; }, [](WallTime) { return CelKind::kTimestamp; },
          [](const Json* json) { return KindOf(*json); },
          [](const SharedList&) { return CelKind::kList; },
          [](const SharedMap&) { return CelKind::kMap; }},
      value_);
}

bool CelValue::AsBool() const {
  const bool* value = std::get_if<bool>(&value_);
  return value != nullptr && *value;
}
std::int64_t CelValue::AsInt() const {
  const std::int64_t* value = std::get_if<std::int64_t>(&value_);
  return value == nullptr ? 0 : *value;
}
double CelValue::AsDouble() const {
  const double* value = std::get_if<double>(&value_);
  return value == nullptr ? static_cast<double>(AsInt()) : *value;
}
std::string_view CelValue::AsText() const {
  if (const auto* borrowed = std::get_if<std::string_view>(&value_)) {
    return *borrowed;
  }
  const SharedText* shared = std::get_if<SharedText>(&value_);
  return shared == nullptr ? std::string_view() : std::string_view(**shared);
}
Duration CelValue::AsDuration() const {
  const Duration* value = std::get_if<Duration>(&value_);
  return value == nullptr ? Duration{0} : *value;
}
WallTime CelValue::AsTime() const {
  const WallTime* value = std::get_if<WallTime>(&value_);
  return value == nullptr ? WallTime{} : *value;
}

std::size_t CelValue::Count() const {
  if (const auto* json = std::get_if<const Json*>(&value_)) {
    return (*json)->IsArray() ? (*json)->Items().size() : (*json)->Members().size();
  }
  if (const auto* list = std::get_if<SharedList>(&value_)) {
    return (*list)->size();
  }
  const auto* map = std::get_if<SharedMap>(&value_);
  return map == nullptr ? 0 : (*map)->size();
}

CelValue CelValue::ElementAt(std::size_t index) const {
  if (const auto* json = std::get_if<const Json*>(&value_)) {
    return (*json)->IsArray() ? Borrow((*json)->Items()[index])
                              : Borrow(std::string_view((*json)->Members()[index].name));
  }
  if (const auto* list = std::get_if<SharedList>(&value_)) {
    return (**list)[index];
  }
  const auto* map = std::get_if<SharedMap>(&value_);
  return map == nullptr ? CelValue() : (**map)[index].first;
}

CelValue CelValue::EntryAt(std::size_t index) const {
  if (const auto* json = std::get_if<const Json*>(&value_)) {
    return Borrow((*json)->Members()[index].value);
  }
  const auto* map = std::get_if<SharedMap>(&value_);
  return map == nullptr ? CelValue() : (**map)[index].second;
}

std::optional<CelValue> CelValue::FindText(std::string_view key) const {
  if (const auto* json = std::get_if<const Json*>(&value_)) {
    const Json* found = (*json)->Find(key);
    return found == nullptr ? std::nullopt : std::optional(Borrow(*found));
  }
  if (const auto* map = std::get_if<SharedMap>(&value_)) {
    for (const auto& [name, value] : **map) {
      if (name.Is(CelKind::kString) && name.AsText() == key) {
        return value;
      }
    }
  }
  return std::nullopt;
}

Json CelValue::ToJson() const {
  switch (kind()) {
    case CelKind::kNull:
      return nullptr;
    case CelKind::kBool:
      return AsBool();
    case CelKind::kInt:
      return AsInt();
    case CelKind::kDouble:
      return AsDouble();
    case CelKind::kString:
      return AsText();
    case CelKind::kDuration:
      return FormatCelDuration(AsDuration());
    case CelKind::kTimestamp:
      return FormatMicroTime(AsTime());
    case CelKind::kList: {
      Json out = Json::EmptyArray();
      for (std::size_t i = 0; i < Count(); ++i) {
        out.Append(ElementAt(i).ToJson());
      }
      return out;
    }
    case CelKind::kMap:
      break;
  }
  Json out = Json::EmptyObject();
  for (std::size_t i = 0; i < Count(); ++i) {
    out.Set(KeyText(ElementAt(i)), EntryAt(i).ToJson());
  }
  return out;
}

std::string FormatCelDuration(Duration duration) {
  const std::int64_t micros = duration.count();
  const std::uint64_t size =
      micros < 0 ? 0 - static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
  std::string out = (micros < 0 ? "-" : "") + std::to_string(size / 1'000'000);
  if (const std::uint64_t rest = size % 1'000'000; rest != 0) {
    std::string digits = std::to_string(1'000'000 + rest).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    out += "." + digits;
  }
  return out + "s";
}

}  // namespace midwatch::schema
