// Whatever a peer sends, in pieces of any size: the reader ends in a request or a refusal, the same
// one however the bytes were cut.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "controller/base/check.h"
#include "controller/http/request_reader.h"

namespace {

using midwatch::http::RequestReader;

std::string Outcome(std::string_view bytes, std::size_t piece) {
  RequestReader reader(512);
  while (!bytes.empty() && reader.state() != RequestReader::State::kDone &&
         reader.state() != RequestReader::State::kRefused) {
    const std::size_t taken = reader.Feed(bytes.substr(0, piece));
    MIDWATCH_CHECK(taken <= std::min(piece, bytes.size()));
    bytes.remove_prefix(taken);
    if (reader.state() == RequestReader::State::kPermit) {
      reader.PermitBody(1024);
    } else if (taken == 0) {
      break;
    }
  }
  if (reader.state() == RequestReader::State::kDone) {
    const auto request = reader.Take();
    return request.method + " " + request.target + " " + request.body;
  }
  return reader.state() == RequestReader::State::kRefused
             ? "refused " + std::to_string(reader.refusal().status)
             : "incomplete";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = Outcome(bytes, bytes.size() + 1);
  const std::string pieces = Outcome(bytes, 1 + data[0] % 16);
  // A refusal may come for another reason when the limit is met earlier; a request may not differ.
  if (!whole.starts_with("refused") && !pieces.starts_with("refused")) {
    MIDWATCH_CHECK(whole == pieces);
  }
  return 0;
}
