// Whatever a sidecar says: the session goes on or ends, and says nothing more once it has ended.
#include "controller/agent/acp_session.h"

#include <cstdint>
#include <string_view>

#include "controller/base/check.h"
#include "controller/base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  midwatch::agent::AcpSession session(midwatch::agent::AcpConfig{});
  (void)session.Start(midwatch::MonoTime{});
  for (const std::string_view line : midwatch::Split(bytes, '\n')) {
    const bool ended = session.ended();
    const auto outputs = session.OnLine(line);
    MIDWATCH_CHECK(!ended || outputs.empty());
  }
  return 0;
}
