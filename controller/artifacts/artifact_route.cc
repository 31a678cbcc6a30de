#include "controller/artifacts/artifact_route.h"

#include <charconv>
#include <vector>

#include "controller/base/encoding.h"
#include "controller/base/text.h"

namespace midwatch::artifacts {
namespace {

tl::unexpected<Error> NoSuchPath() { return Fail(ErrorCode::kNotFound, "page not found"); }

Result<std::uint64_t> ParseNumber(std::string_view name, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Fail(ErrorCode::kBadRequest,
                std::string(name) + ": " + Quote(Utf8Prefix(text, 40)) + ", expected a number");
  }
  return value;
}

Result<void> AddParameter(std::string_view pair, ArtifactRoute& route) {
  const std::size_t equals = std::min(pair.find('='), pair.size());
  const std::string_view name = pair.substr(0, equals);
  MIDWATCH_ASSIGN(const std::string value,
                  PercentDecode(pair.substr(std::min(equals + 1, pair.size())), true));
  if (name == "offset") {
    MIDWATCH_ASSIGN(route.offset, ParseNumber(name, value));
  } else if (name == "limit") {
    MIDWATCH_ASSIGN(route.limit, ParseNumber(name, value));
  } else if (name == "follow") {
    route.follow = value == "true";
  } else if (name == "text") {
    route.text = value;
  } else if (name == "log" && route.kind == ArtifactRoute::Kind::kSearch) {
    route.name = value;
  } else {
    return Fail(ErrorCode::kBadRequest, "unknown parameter " + Quote(Utf8Prefix(name, 40)));
  }
  return {};
}

}  // namespace

Result<ArtifactRoute> ParseArtifactRoute(std::string_view target) {
  const std::size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, question);
  if (!path.starts_with(kArtifactPaths)) {
    return NoSuchPath();
  }
  path.remove_prefix(kArtifactPaths.size());
  ArtifactRoute route;
  if (path.starts_with("blobs/")) {
    route.kind = ArtifactRoute::Kind::kBlob;
  } else if (path.starts_with("logs/")) {
    route.kind = ArtifactRoute::Kind::kLog;
  } else if (path == "search") {
    route.kind = ArtifactRoute::Kind::kSearch;
  } else {
    return NoSuchPath();
  }
  if (route.kind != ArtifactRoute::Kind::kSearch) {
    MIDWATCH_ASSIGN(route.name, PercentDecode(path.substr(path.find('/') + 1), false));
  }
  if (question < target.size()) {
    for (const std::string_view pair : Split(target.substr(question + 1), '&')) {
      MIDWATCH_TRY(AddParameter(pair, route));
    }
  }
  return route;
}

std::string ToTarget(const ArtifactRoute& route) {
  std::string target(kArtifactPaths);
  std::vector<std::string> query;
  switch (route.kind) {
    case ArtifactRoute::Kind::kBlob:
      target += "blobs/" + PercentEncode(route.name);
      break;
    case ArtifactRoute::Kind::kLog:
      target += "logs/" + PercentEncode(route.name);
      query.push_back("offset=" + std::to_string(route.offset));
      break;
    case ArtifactRoute::Kind::kSearch:
      target += "search";
      query.push_back("log=" + PercentEncode(route.name));
      query.push_back("text=" + PercentEncode(route.text));
      break;
  }
  if (route.limit > 0) {
    query.push_back("limit=" + std::to_string(route.limit));
  }
  if (route.follow) {
    query.emplace_back("follow=true");
  }
  return query.empty() ? target : target + "?" + Join(query, "&");
}

}  // namespace midwatch::artifacts
