#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace midwatch::apiserver {

/// One media range of an Accept or Content-Type field.
struct MediaRange {
  std::string type;  ///< Lower case, `application/json`.
  std::vector<std::pair<std::string, std::string>> parameters;

  /// Empty if absent.
  std::string_view Parameter(std::string_view name) const;
};
std::vector<MediaRange> ParseMediaRanges(std::string_view field);

/// The form in which objects are shown.
enum class Form : std::uint8_t { kObject, kTable, kPartial };

struct Accepted {
  Form form = Form::kObject;
  std::string api_version = "meta.k8s.io/v1";  ///< Of Table and PartialObjectMetadata.
  std::string content_type = "application/json";
};

/// The first form of an Accept field that can be served for one object, or a list (or watch) of
/// them. JSON is the only encoding; `application/yaml` gets it too, being YAML. kNotAcceptable if
/// there is none.
Result<Accepted> Negotiate(std::string_view accept, bool is_list);

/// Which discovery document is asked for.
enum class DiscoveryForm : std::uint8_t { kLegacy, kAggregatedV2, kAggregatedV2Beta1 };
Result<DiscoveryForm> NegotiateDiscovery(std::string_view accept);

}  // namespace midwatch::apiserver
