#include "controller/apiserver/http_accept.h"

#include "controller/base/text.h"

namespace midwatch::apiserver {
namespace {

bool IsJson(const MediaRange& range) {
  return range.type == "application/json" || range.type == "*/*" || range.type == "application/*";
}

tl::unexpected<Error> NothingServed() {
  return Fail(ErrorCode::kNotAcceptable,
              "only the following media types are accepted: application/json, application/yaml, "
              "application/json;stream=watch");
}

bool ReadForm(const MediaRange& range, bool is_list, Accepted& accepted) {
  const std::string_view as = range.Parameter("as");
  if (as.empty()) {
    return true;
  }
  const std::string_view version = range.Parameter("v");
  if (range.Parameter("g") != "meta.k8s.io" || (version != "v1" && version != "v1beta1")) {
    return false;
  }
  accepted.api_version = "meta.k8s.io/" + std::string(version);
  if (as == "Table") {
    accepted.form = Form::kTable;
    return true;
  }
  accepted.form = Form::kPartial;
  return as == (is_list ? "PartialObjectMetadataList" : "PartialObjectMetadata");
}

}  // namespace

std::string_view MediaRange::Parameter(std::string_view name) const {
  for (const auto& [each, value] : parameters) {
    if (each == name) {
      return value;
    }
  }
  return {};
}

std::vector<MediaRange> ParseMediaRanges(std::string_view field) {
  std::vector<MediaRange> ranges;
  for (const std::string_view part : Split(field, ',')) {
    const auto pieces = Split(part, ';');
    MediaRange range{ToLower(Trim(pieces[0])), {}};
    for (std::size_t i = 1; i < pieces.size(); ++i) {
      const std::string_view piece = Trim(pieces[i]);
      const std::size_t equals = piece.find('=');
      if (equals != std::string_view::npos) {
        range.parameters.emplace_back(ToLower(Trim(piece.substr(0, equals))),
                                      std::string(Trim(piece.substr(equals + 1))));
      }
    }
    if (!range.type.empty()) {
      ranges.push_back(std::move(range));
    }
  }
  return ranges;
}

Result<Accepted> Negotiate(std::string_view accept, bool is_list) {
  const auto ranges = ParseMediaRanges(accept);
  if (ranges.empty()) {
    return Accepted{};
  }
  for (const MediaRange& range : ranges) {
    Accepted accepted;
    if (range.type == "application/yaml") {
      accepted.content_type = "application/yaml";
      return accepted;
    }
    if (IsJson(range) && ReadForm(range, is_list, accepted)) {
      return accepted;
    }
  }
  return NothingServed();
}

Result<DiscoveryForm> NegotiateDiscovery(std::string_view accept) {
  const auto ranges = ParseMediaRanges(accept);
  if (ranges.empty()) {
    return DiscoveryForm::kLegacy;
  }
  for (const MediaRange& range : ranges) {
    if (!IsJson(range) && range.type != "application/yaml") {
      continue;
    }
    const std::string_view as = range.Parameter("as");
    if (as.empty()) {
      return DiscoveryForm::kLegacy;
    }
    if (as != "APIGroupDiscoveryList" || range.Parameter("g") != "apidiscovery.k8s.io") {
      continue;
    }
    if (range.Parameter("v") == "v2") {
      return DiscoveryForm::kAggregatedV2;
    }
    if (range.Parameter("v") == "v2beta1") {
      return DiscoveryForm::kAggregatedV2Beta1;
    }
  }
  return NothingServed();
}

}  // namespace midwatch::apiserver
