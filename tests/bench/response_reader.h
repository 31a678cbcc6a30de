#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace midwatch::bench {

/// Takes the answers of an HTTP/1.1 server apart as their bytes come. It trusts the server: this is
/// a load generator, not a client.
class ResponseReader {
 public:
  struct Sink {
    std::function<void(int status)> on_head = {};
    std::function<void(std::string_view piece)> on_body = {};  ///< Decoded.
    std::function<void()> on_end = {};
  };

  explicit ResponseReader(Sink sink) : sink_(std::move(sink)) {}

  /// False: what came is not HTTP.
  bool Feed(std::string_view bytes);

 private:
  enum class State : std::uint8_t { kHead, kBody, kChunkSize, kChunk, kChunkEnd, kTrailer };

  bool TakeHead();
  bool TakeChunkSize(std::string_view line);
  void End();

  Sink sink_;
  State state_ = State::kHead;
  std::string line_;  // Of the head, or of a chunk's size, as far as it has come.
  std::size_t left_ = 0;
};

}  // namespace midwatch::bench
