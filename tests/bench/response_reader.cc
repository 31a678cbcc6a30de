#include "tests/bench/response_reader.h"

#include <charconv>
#include <optional>

namespace midwatch::bench {
namespace {

std::optional<std::size_t> Number(std::string_view text, int base) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc{} && end != text.data() ? std::optional(out) : std::nullopt;
}

/// The header's value; servers here write names as `Content-Length`.
std::string_view Header(std::string_view head, std::string_view name) {
  const std::size_t at = head.find(name);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::string_view rest = head.substr(at + name.size());
  return rest.substr(0, rest.find('\r'));
}

}  // namespace

bool ResponseReader::TakeHead() {
  const std::string head = std::move(line_);
  line_.clear();
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!head.starts_with(kVersion)) {
    return false;
  }
  const auto status = Number(std::string_view(head).substr(kVersion.size()), 10);
  if (!status) {
    return false;
  }
  sink_.on_head(static_cast<int>(*status));
  if (Header(head, "\r\nTransfer-Encoding: ") == "chunked") {
    state_ = State::kChunkSize;
    return true;
  }
  const auto length = Number(Header(head, "\r\nContent-Length: "), 10);
  left_ = length.value_or(0);
  state_ = State::kBody;
  if (left_ == 0) {
    End();
  }
  return true;
}

bool ResponseReader::TakeChunkSize(std::string_view line) {
  const auto size = Number(line, 16);
  left_ = size.value_or(0);
  state_ = left_ == 0 ? State::kTrailer : State::kChunk;
  return size.has_value();
}

void ResponseReader::End() {
  state_ = State::kHead;
  sink_.on_end();
}

bool ResponseReader::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (state_ == State::kBody || state_ == State::kChunk) {
      const std::string_view piece = bytes.substr(0, left_);
      bytes.remove_prefix(piece.size());
      left_ -= piece.size();
      sink_.on_body(piece);
      if (left_ == 0 && state_ == State::kBody) {
        End();
      } else if (left_ == 0) {
        state_ = State::kChunkEnd;
      }
      continue;
    }
    const std::size_t newline = bytes.find('\n');
    line_.append(bytes.substr(0, newline == std::string_view::npos ? newline : newline + 1));
    if (newline == std::string_view::npos) {
      return true;
    }
    bytes.remove_prefix(newline + 1);
    if (state_ == State::kHead) {
      if (line_.ends_with("\r\n\r\n") && !TakeHead()) {
        return false;
      }
      continue;
    }
    const std::string line = std::move(line_);
    line_.clear();
    if (state_ == State::kChunkSize && !TakeChunkSize(line)) {
      return false;
    }
    if (state_ == State::kChunkEnd) {
      state_ = State::kChunkSize;
    } else if (state_ == State::kTrailer && line == "\r\n") {
      End();
    }
  }
  return true;
}

}  // namespace midwatch::bench
