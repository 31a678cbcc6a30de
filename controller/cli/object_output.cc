#include "controller/cli/object_output.h"

#include <utility>

#include "controller/manifest/yaml_writer.h"

namespace midwatch::cli {

std::string FormatValue(const Json& value, OutputFormat format) {
  constexpr int kIndent = 4;
  return format == OutputFormat::kYaml ? manifest::WriteYaml(value)
                                       : value.DumpPretty(kIndent) + "\n";
}

std::string FormatObjects(std::vector<Json> objects, bool single, OutputFormat format) {
  for (Json& object : objects) {
    if (Json* metadata = object.FindMutable("metadata")) {
      metadata->Erase("managedFields");
    }
  }
  if (single && objects.size() == 1) {
    return FormatValue(objects.front(), format);
  }
  return FormatValue(Json::Of({{"apiVersion", "v1"},
                               {"items", Json(std::move(objects))},
                               {"kind", "List"},
                               {"metadata", Json::Of({{"resourceVersion", ""}})}}),
                     format);
}

}  // namespace midwatch::cli
