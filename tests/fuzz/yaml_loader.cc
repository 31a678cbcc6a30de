// Whatever bytes a repository holds: the loader answers with documents or errors, and what it read
// survives being written and read again.
#include <cstdint>
#include <string_view>

#include "controller/base/check.h"
#include "controller/manifest/loader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto loaded = midwatch::manifest::LoadManifests("fuzz.yaml", bytes);
  for (const auto& document : loaded.documents) {
    const auto again = midwatch::ParseJson(document.body.Dump());
    MIDWATCH_CHECK(again.has_value());
    MIDWATCH_CHECK(again->Dump() == document.body.Dump());
  }
  return 0;
}
