#include "controller/apiserver/table.h"

#include <algorithm>

#include "controller/base/text.h"
#include "controller/object/stored_bytes.h"

namespace midwatch::apiserver {
namespace {

constexpr std::string_view kNameHelp =
    "Name must be unique within a namespace. Is required when creating resources.";
constexpr std::string_view kAgeHelp = "When the object was created.";

Json AgeOf(const std::string& text, WallTime now) {
  const auto time = ParseTime(text);
  return time ? Json(FormatAge(now - *time)) : Json("<unknown>");
}

// As apiextensions-apiserver's tableconvertor does.
Json CellOf(const PrinterColumn& column, const Json& object, WallTime now) {
  if (!column.counts.empty()) {
    std::size_t entries = 0;
    for (const std::string& member : column.counts) {
      entries += object.At(member).Members().size();
    }
    return Json(static_cast<std::int64_t>(entries));
  }
  const Json* value = column.path.First(object);
  if (value == nullptr || value->IsNull()) {
    return {};
  }
  if (column.reference) {
    return Json(ToLower(value->At("kind").AsString()) + "/" + value->At("name").AsString());
  }
  if (column.type == "string") {
    return value->IsString() ? *value : Json(value->Dump());
  }
  if (column.type == "date") {
    return value->IsString() ? AgeOf(value->AsString(), now) : Json();
  }
  if (column.type == "integer") {
    return value->IsNumber() ? Json(value->AsInt()) : Json();
  }
  if (column.type == "number") {
    return value->IsNumber() ? *value : Json();
  }
  return value->IsBool() ? *value : Json();
}

Json Definition(std::string_view name, std::string_view type, std::string_view format,
                std::string_view description, std::int64_t priority) {
  return Json::Of({{"name", name},
                   {"type", type},
                   {"format", format},
                   {"description", description},
                   {"priority", priority}});
}

bool NameComesFirst(const ResourceInfo& resource) {
  return std::none_of(resource.columns.begin(), resource.columns.end(),
                      [](const PrinterColumn& column) { return column.own_name; });
}

void AppendColumns(const ResourceInfo& resource, std::string& out) {
  Json columns = Json::EmptyArray();
  if (NameComesFirst(resource)) {
    columns.Append(Definition("Name", "string", "name", kNameHelp, 0));
  }
  for (const PrinterColumn& column : resource.columns) {
    columns.Append(
        Definition(column.name, column.type, column.format, column.description, column.priority));
  }
  if (resource.columns.empty()) {
    columns.Append(Definition("Age", "date", "", kAgeHelp, 0));
  }
  columns.DumpTo(out);
}

void AppendCells(const ResourceInfo& resource, const Object& object, WallTime now,
                 std::string& out) {
  Json cells = Json::EmptyArray();
  if (NameComesFirst(resource)) {
    cells.Append(object.name());
  }
  if (resource.columns.empty()) {
    cells.Append(AgeOf(object.meta().creation_timestamp, now));
  } else {
    const Json body = object.Body();
    for (const PrinterColumn& column : resource.columns) {
      cells.Append(CellOf(column, body, now));
    }
  }
  cells.DumpTo(out);
}

void AppendRow(const TableForm& form, const Object& object, WallTime now, std::string& out) {
  out += R"({"cells":)";
  AppendCells(*form.resource, object, now, out);
  out += R"(,"object":)";
  switch (form.row_object) {
    case RowObject::kMetadata:
      out += MakePartial(object, form.api_version);
      break;
    case RowObject::kFull:
      out += object.bytes();
      break;
    case RowObject::kNone:
      out += "null";
      break;
  }
  out += "}";
}

void AppendHead(const ListHead& head, std::string& out) {
  out += R"("metadata":{"resourceVersion":)";
  AppendJsonString(head.resource_version, out);
  if (!head.continue_token.empty()) {
    out += R"(,"continue":)";
    AppendJsonString(head.continue_token, out);
  }
  if (head.remaining) {
    out += R"(,"remainingItemCount":)" + std::to_string(*head.remaining);
  }
  out += "}";
}

}  // namespace

std::string MakeTable(const TableForm& form, const ListHead& head, const std::vector<Object>& rows,
                      WallTime now, bool with_columns) {
  std::string out = R"({"kind":"Table","apiVersion":)";
  AppendJsonString(form.api_version, out);
  out += ",";
  AppendHead(head, out);
  out += R"(,"columnDefinitions":)";
  if (with_columns) {
    AppendColumns(*form.resource, out);
  } else {
    out += "null";
  }
  out += R"(,"rows":[)";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out += i == 0 ? "" : ",";
    AppendRow(form, rows[i], now, out);
  }
  return out + "]}";
}

std::string MakePartial(const Object& object, std::string_view api_version) {
  std::string out = R"({"kind":"PartialObjectMetadata","apiVersion":)";
  AppendJsonString(api_version, out);
  out += R"(,"metadata":)";
  out += FindMember(object.bytes(), "metadata").value_or("{}");
  return out + "}";
}

std::string MakePartialList(const ListHead& head, const std::vector<Object>& items,
                            std::string_view api_version) {
  std::string out = R"({"kind":"PartialObjectMetadataList","apiVersion":)";
  AppendJsonString(api_version, out);
  out += ",";
  AppendHead(head, out);
  out += R"(,"items":[)";
  for (std::size_t i = 0; i < items.size(); ++i) {
    out += i == 0 ? "" : ",";
    out += MakePartial(items[i], api_version);
  }
  return out + "]}";
}

}  // namespace midwatch::apiserver
