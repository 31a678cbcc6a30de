// Whatever patch a client sends: it is applied or refused, and a merge patch applied twice is one
// applied once.
#include "controller/object/patch.h"

#include <cstdint>
#include <string_view>

#include "controller/base/check.h"
#include "controller/object/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = bytes.find('\n');
  if (cut == std::string_view::npos) {
    return 0;
  }
  const auto target = midwatch::ParseJson(bytes.substr(0, cut));
  const auto patch = midwatch::ParseJson(bytes.substr(cut + 1));
  if (!target || !patch) {
    return 0;
  }
  (void)midwatch::ApplyJsonPatch(*target, *patch);
  const midwatch::Json once = midwatch::ApplyMergePatch(*target, *patch);
  MIDWATCH_CHECK(midwatch::ApplyMergePatch(once, *patch) == once);
  return 0;
}
