#include "controller/http/request_reader.h"

#include <algorithm>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>
#include <limits>
#include <utility>

#include "controller/base/text.h"

namespace midwatch::http {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Parser = bhttp::request_parser<bhttp::empty_body>;

// A chunk header with extensions, or a trailer, that does not end within this is refused.
constexpr std::size_t kMaxChunkLines = 4096;
constexpr std::string_view kBodyTooLarge = "request body too large";

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

Refusal RefusalOf(const beast::error_code& error) {
  if (error == bhttp::error::header_limit) {
    return {431, "request head too large"};
  }
  if (error == bhttp::error::bad_version) {
    return {505, "only versions 1.0 and 1.1 are served"};
  }
  return {400, "malformed request: " + error.message()};
}

std::size_t CountOf(const bhttp::request<bhttp::empty_body>& message, bhttp::field field) {
  return message.count(field);
}

}  // namespace

struct RequestReader::Impl {
  explicit Impl(std::size_t given) : head_bytes(given) {
    parser.header_limit(static_cast<std::uint32_t>(head_bytes) + 4);
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // Until PermitBody.
    parser.eager(false);
  }

  void Refuse(Refusal why) {
    refusal = std::move(why);
    state = State::kRefused;
    pending.clear();
  }

  std::size_t FeedHead(std::string_view bytes);
  void ParseHead();
  void CheckHead();
  void TakeHead();
  std::size_t FeedBody(std::string_view bytes);
  std::size_t FeedData(std::string_view bytes);
  void MakeRoom(std::size_t bytes);
  std::size_t FeedLine(std::string_view bytes);
  void TakeLine(std::string_view line);
  void TakeSize(std::string_view line);

  const std::size_t head_bytes;
  Parser parser;
  State state = State::kHead;
  Refusal refusal;
  std::string pending;  // kHead: the head so far. kBody: a line around chunks, so far.
  HttpRequest request;
  std::size_t most = 0;  // Bytes of body.
  bool chunked = false;
  enum class Chunk : std::uint8_t { kSize, kData, kDataEnd, kTrailer } chunk = Chunk::kSize;
  std::uint64_t left = 0;      // Of the body, or of the chunk.
  std::size_t line_bytes = 0;  // Of the lines since the last chunk.
  bool expects_continue = false;
  bool keep_alive = false;
};

std::size_t RequestReader::Impl::FeedHead(std::string_view bytes) {
  const std::size_t before = pending.size();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != '\n') {
      continue;
    }
    const auto at = [&](std::size_t back) {
      const std::size_t position = before + i;
      if (position < back) {
        return '\0';
      }
      return i >= back ? bytes[i - back] : pending[position - back];
    };
    if (at(1) != '\r') {
      Refuse({400, "malformed request: a line ends without CR"});
      return i + 1;
    }
    if (at(2) != '\n') {
      continue;
    }
    pending.append(bytes.substr(0, i + 1));
    if (pending.size() > head_bytes) {
      Refuse({431, "request head too large"});
    } else {
      ParseHead();
    }
    return i + 1;
  }
  if (before + bytes.size() > head_bytes) {
    Refuse({431, "request head too large"});
  } else {
    pending.append(bytes);
  }
  return bytes.size();
}

void RequestReader::Impl::ParseHead() {
  std::string_view rest = pending;
  // What one reader takes for a field of its own is the end of the last one to another.
  if (rest.find("\n ") != std::string_view::npos || rest.find("\n\t") != std::string_view::npos) {
    return Refuse({400, "malformed request: a line begins with a space"});
  }
  beast::error_code error;
  // Not eager: one put reads the request line and the fields, and stops behind them.
  while (!rest.empty() && !parser.is_header_done() && !error) {
    rest.remove_prefix(parser.put(boost::asio::buffer(rest.data(), rest.size()), error));
  }
  if (error || !parser.is_header_done()) {
    Refuse(error ? RefusalOf(error) : Refusal{400, "malformed request"});
    return;
  }
  pending.clear();
  pending.shrink_to_fit();
  CheckHead();
}

void RequestReader::Impl::CheckHead() {
  const auto& message = parser.get();
  const std::size_t lengths = CountOf(message, bhttp::field::content_length);
  const std::size_t encodings = CountOf(message, bhttp::field::transfer_encoding);
  const std::size_t hosts = CountOf(message, bhttp::field::host);
  const bool http11 = message.version() == 11;
  if (lengths + encodings > 1) {
    return Refuse({400, "more than one Content-Length or Transfer-Encoding"});
  }
  if (lengths == 1 &&
      View(message[bhttp::field::content_length]).find(',') != std::string_view::npos) {
    return Refuse({400, "Content-Length is a list"});
  }
  if (encodings == 1 &&
      (!http11 || ToLower(View(message[bhttp::field::transfer_encoding])) != "chunked")) {
    return Refuse({400, "Transfer-Encoding other than chunked"});
  }
  if (hosts > 1 || (http11 && hosts == 0)) {
    return Refuse({400, "expected exactly one Host"});
  }
  if (CountOf(message, bhttp::field::authorization) > 1) {
    return Refuse({400, "more than one Authorization"});
  }
  if (!message.target().starts_with('/')) {
    return Refuse({400, "expected a path as the request target"});
  }
  const std::string_view expect = View(message[bhttp::field::expect]);
  if (!expect.empty() && ToLower(expect) != "100-continue") {
    return Refuse({417, "unknown expectation"});
  }
  expects_continue = !expect.empty() && http11;
  keep_alive = parser.keep_alive();
  TakeHead();
  state = parser.is_done() ? State::kDone : State::kPermit;
}

/// Taken before the body: what a trailer adds later is nobody's header.
void RequestReader::Impl::TakeHead() {
  const auto& message = parser.get();
  request.method = std::string(View(message.method_string()));
  request.target = std::string(View(message.target()));
  for (const auto& field : message.base()) {
    request.headers.emplace_back(std::string(View(field.name_string())),
                                 std::string(View(field.value())));
  }
}

// Bodies are read here and not by Beast: its reader of chunks asserts about bytes that a peer
// sends.
std::size_t RequestReader::Impl::FeedBody(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && state == State::kBody) {
    const std::string_view rest = bytes.substr(taken);
    taken += !chunked || chunk == Chunk::kData ? FeedData(rest) : FeedLine(rest);
  }
  return taken;
}

/// A body that has begun to come gets the room for all of it: growing by doubling copies, and has
/// the kernel clear, tens of megabytes at a time while others wait. Memory that is not written to
/// is only addresses, and of those a multiple of what has come.
void RequestReader::Impl::MakeRoom(std::size_t bytes) {
  constexpr std::size_t kAhead = 16;
  const std::size_t whole = chunked ? most : static_cast<std::size_t>(left) + request.body.size();
  if (bytes > request.body.capacity() && bytes > whole / kAhead) {
    request.body.reserve(whole);
  }
}

std::size_t RequestReader::Impl::FeedData(std::string_view bytes) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size()));
  MakeRoom(request.body.size() + size);
  request.body.append(bytes.substr(0, size));
  left -= size;
  if (left == 0) {
    chunk = Chunk::kDataEnd;
    state = chunked ? state : State::kDone;
  }
  return size;
}

/// A line around the chunks, up to its end.
std::size_t RequestReader::Impl::FeedLine(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  const std::size_t size = end == std::string_view::npos ? bytes.size() : end + 1;
  pending.append(bytes.substr(0, size));
  line_bytes += size;
  if (line_bytes > kMaxChunkLines) {
    Refuse({400, "malformed request: chunk header too large"});
  } else if (end != std::string_view::npos) {
    const std::string line = std::exchange(pending, {});
    if (line.size() < 2 || line.find('\r') != line.size() - 2) {
      Refuse({400, "malformed request: bad line around a chunk"});
    } else {
      TakeLine(std::string_view(line).substr(0, line.size() - 2));
    }
  }
  return size;
}

void RequestReader::Impl::TakeLine(std::string_view line) {
  if (chunk == Chunk::kSize) {
    return TakeSize(line);
  }
  const std::size_t colon = line.find(':');
  if (chunk == Chunk::kDataEnd && line.empty()) {
    chunk = Chunk::kSize;
    line_bytes = 0;
  } else if (chunk == Chunk::kTrailer && line.empty()) {
    state = State::kDone;
  } else if (chunk != Chunk::kTrailer || colon == 0 || colon == std::string_view::npos) {
    Refuse({400, "malformed request: bad line around a chunk"});
  }
}

void RequestReader::Impl::TakeSize(std::string_view line) {
  constexpr int kHex = 16;
  std::uint64_t size = 0;
  const char* const last = line.data() + line.size();
  const auto [end, error] = std::from_chars(line.data(), last, size, kHex);
  if (error != std::errc() || (end != last && *end != ';')) {
    return Refuse({400, "malformed request: bad chunk size"});
  }
  if (size > most - request.body.size()) {
    return Refuse({413, std::string(kBodyTooLarge)});
  }
  left = size;
  chunk = size == 0 ? Chunk::kTrailer : Chunk::kData;
}

RequestReader::RequestReader(std::size_t head_bytes) : impl_(std::make_unique<Impl>(head_bytes)) {}
RequestReader::~RequestReader() = default;
RequestReader::RequestReader(RequestReader&&) noexcept = default;
RequestReader& RequestReader::operator=(RequestReader&&) noexcept = default;

std::size_t RequestReader::Feed(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const std::string_view rest = bytes.substr(taken);
    if (impl_->state == State::kHead) {
      taken += impl_->FeedHead(rest);
    } else if (impl_->state == State::kBody) {
      taken += impl_->FeedBody(rest);
    } else {
      break;
    }
  }
  return taken;
}

const HttpRequest& RequestReader::Head() const { return impl_->request; }

void RequestReader::PermitBody(std::size_t bytes) {
  const auto length = impl_->parser.content_length();
  if (length && *length > bytes) {
    return impl_->Refuse({413, std::string(kBodyTooLarge)});
  }
  impl_->most = bytes;
  impl_->chunked = !length.has_value();
  impl_->left = length.value_or(0);
  impl_->state = State::kBody;
}

RequestReader::State RequestReader::state() const { return impl_->state; }
const Refusal& RequestReader::refusal() const { return impl_->refusal; }
bool RequestReader::WantsContinue() const {
  return impl_->state == State::kBody && impl_->expects_continue;
}
std::size_t RequestReader::BodyBytes() const { return impl_->request.body.size(); }
bool RequestReader::KeepAlive() const { return impl_->keep_alive; }
bool RequestReader::IsHttp10() const { return impl_->parser.get().version() == 10; }

HttpRequest RequestReader::Take() { return std::move(impl_->request); }

}  // namespace midwatch::http
