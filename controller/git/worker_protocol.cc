#include "controller/git/worker_protocol.h"

#include <algorithm>
#include <array>
#include <utility>

#include "controller/base/check.h"
#include "controller/base/error_table.h"

namespace midwatch::git {
namespace {

constexpr std::size_t kPrefixBytes = 8;
constexpr std::size_t kEntryPrefixBytes = 1 + 4 + 4;

void AppendUint32(std::size_t value, std::string& out) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xff));
  }
}

std::size_t ReadUint32(std::string_view bytes) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

tl::unexpected<Error> Malformed(std::string what) {
  return Fail(ErrorCode::kInternal, "git worker: " + std::move(what));
}

Json LimitsToJson(const GitLimits& limits) {
  const auto number = [](std::uint64_t value) { return Json(static_cast<std::int64_t>(value)); };
  return Json::Of({{"fetchBytes", number(limits.fetch_bytes)},
                   {"fetchObjects", number(limits.fetch_objects)},
                   {"diskBytes", number(limits.disk_bytes)},
                   {"fileBytes", number(limits.file_bytes)},
                   {"totalBytes", number(limits.total_bytes)},
                   {"entries", number(limits.entries)},
                   {"depth", limits.depth}});
}

GitLimits LimitsFromJson(const Json& json) {
  const auto number = [&](std::string_view name) {
    return static_cast<std::uint64_t>(json.At(name).AsInt());
  };
  return {.fetch_bytes = number("fetchBytes"),
          .fetch_objects = number("fetchObjects"),
          .disk_bytes = number("diskBytes"),
          .file_bytes = number("fileBytes"),
          .total_bytes = number("totalBytes"),
          .entries = number("entries"),
          .depth = static_cast<int>(number("depth"))};
}

}  // namespace

std::string EncodeFrame(const Json& header, std::string_view body) {
  const std::string text = header.Dump();
  MIDWATCH_CHECK(text.size() <= kMaxFrameHeader && body.size() <= kMaxFrameBody);
  std::string out;
  out.reserve(kPrefixBytes + text.size() + body.size());
  AppendUint32(text.size(), out);
  AppendUint32(body.size(), out);
  out += text;
  out += body;
  return out;
}

Result<std::optional<Frame>> FrameReader::Next() {
  const std::string_view rest = std::string_view(buffer_).substr(start_);
  if (rest.size() < kPrefixBytes) {
    return std::optional<Frame>();
  }
  const std::size_t header = ReadUint32(rest);
  const std::size_t body = ReadUint32(rest.substr(4));
  if (header > kMaxFrameHeader || body > kMaxFrameBody) {
    return Malformed("frame of " + std::to_string(header + body) + " bytes is too large");
  }
  if (rest.size() < kPrefixBytes + header + body) {
    return std::optional<Frame>();
  }
  Result<Json> parsed = ParseJson(rest.substr(kPrefixBytes, header));
  if (!parsed) {
    return Malformed("bad header: " + parsed.error().message);
  }
  Frame frame{std::move(*parsed), std::string(rest.substr(kPrefixBytes + header, body))};
  start_ += kPrefixBytes + header + body;
  if (start_ > buffer_.size() / 2) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  return std::optional<Frame>(std::move(frame));
}

std::string EncodeRequest(const GitFetchRequest& fetch, const GitLimits& limits,
                          const std::string& repository) {
  const GitRemote& remote = fetch.remote;
  Json suffixes = Json::EmptyArray();
  for (const std::string& suffix : fetch.read_suffixes) {
    suffixes.Append(suffix);
  }
  const Json header = Json::Of({{"type", "fetch"},
                                {"url", remote.url},
                                {"refKind", static_cast<int>(remote.ref_kind)},
                                {"ref", remote.ref},
                                {"path", remote.path},
                                {"username", remote.username},
                                {"password", remote.password.Reveal()},
                                {"ca", remote.ca_pem},
                                {"sameDirectories", fetch.same_directories},
                                {"knownTree", fetch.known_tree},
                                {"readSuffixes", std::move(suffixes)},
                                {"deadlineMicros", std::int64_t{fetch.deadline.count()}},
                                {"limits", LimitsToJson(limits)},
                                {"repository", repository}});
  constexpr std::size_t kMost = kMaxFrameBody / kBlobIdLength * kBlobIdLength;
  return EncodeFrame(header, std::string_view(fetch.known_blobs).substr(0, kMost));
}

Result<WorkerRequest> DecodeRequest(Frame frame) {
  const Json& header = frame.header;
  const std::int64_t ref_kind = header.At("refKind").AsInt();
  if (header.At("type").AsString() != "fetch" || frame.body.size() % kBlobIdLength != 0 ||
      ref_kind < 0 || ref_kind > static_cast<int>(GitRefKind::kCommit)) {
    return Malformed("not a request");
  }
  WorkerRequest request;
  GitFetchRequest& fetch = request.fetch;
  fetch.remote = {.url = header.At("url").AsString(),
                  .ref_kind = static_cast<GitRefKind>(ref_kind),
                  .ref = header.At("ref").AsString(),
                  .path = header.At("path").AsString(),
                  .username = header.At("username").AsString(),
                  .password = Secret<std::string>(header.At("password").AsString()),
                  .ca_pem = header.At("ca").AsString()};
  fetch.same_directories = header.At("sameDirectories").AsBool();
  fetch.known_tree = header.At("knownTree").AsString();
  fetch.deadline = Duration{header.At("deadlineMicros").AsInt()};
  for (const Json& suffix : header.At("readSuffixes").Items()) {
    fetch.read_suffixes.push_back(suffix.AsString());
  }
  request.known_blobs = std::move(frame.body);
  request.limits = LimitsFromJson(header.At("limits"));
  request.repository = header.At("repository").AsString();
  return request;
}

void AppendEntry(const GitEntry& entry, std::string& out) {
  const int flags = static_cast<int>(entry.kind) | (entry.too_large ? 0x10 : 0);
  out.push_back(static_cast<char>(flags));
  AppendUint32(entry.path.size(), out);
  AppendUint32(entry.bytes.size(), out);
  out += entry.blob;
  out += entry.path;
  out += entry.bytes;
}

Result<std::vector<GitEntry>> DecodeEntries(std::string_view body) {
  std::vector<GitEntry> entries;
  while (!body.empty()) {
    if (body.size() < kEntryPrefixBytes + kBlobIdLength) {
      return Malformed("cut-off entry");
    }
    const int flags = static_cast<unsigned char>(body[0]);
    const std::size_t path = ReadUint32(body.substr(1));
    const std::size_t bytes = ReadUint32(body.substr(5));
    body.remove_prefix(kEntryPrefixBytes);
    if ((flags & 0x0f) > static_cast<int>(GitEntryKind::kSameDirectory) || path > body.size() ||
        bytes > body.size() || kBlobIdLength + path + bytes > body.size()) {
      return Malformed("bad entry");
    }
    entries.push_back({.path = std::string(body.substr(kBlobIdLength, path)),
                       .kind = static_cast<GitEntryKind>(flags & 0x0f),
                       .blob = std::string(body.substr(0, kBlobIdLength)),
                       .bytes = std::string(body.substr(kBlobIdLength + path, bytes)),
                       .too_large = (flags & 0x10) != 0});
    body.remove_prefix(kBlobIdLength + path + bytes);
  }
  return entries;
}

std::string EncodeError(const Error& error) {
  return EncodeFrame(Json::Of({{"type", "error"},
                               {"code", static_cast<int>(error.code)},
                               {"message", error.message.substr(0, 4096)}}),
                     {});
}

Error DecodeError(const Json& header) {
  const std::int64_t code = header.At("code").AsInt();
  const bool known = header.At("code").IsInt() && code >= 0 &&
                     code <= static_cast<int>(ErrorCode::kOutcomeUnknown);
  return {.code = known ? static_cast<ErrorCode>(code) : ErrorCode::kInternal,
          .message = header.At("message").AsString()};
}

}  // namespace midwatch::git
