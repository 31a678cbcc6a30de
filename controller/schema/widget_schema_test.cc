#include "controller/schema/widget_schema.h"

#include <fstream>
#include <sstream>

namespace midwatch::schema {

Json WidgetOpenApi() {
  std::ifstream file(std::string(MIDWATCH_SOURCE_DIR) + "/controller/schema/testdata/widget.json");
  std::stringstream text;
  text << file.rdbuf();
  return ParsedJsonOf(text.str());
}

}  // namespace midwatch::schema
