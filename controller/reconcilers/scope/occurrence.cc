#include "controller/reconcilers/scope/occurrence.h"

#include <string_view>

#include "controller/api/codec.h"
#include "controller/api/core.h"
#include "controller/api/names.h"
#include "controller/base/digest.h"
#include "controller/base/text.h"

namespace midwatch {
namespace {

constexpr std::size_t kLongestStem = 200;
constexpr std::size_t kLongestMessage = 1'024;

/// To which `.` and more may be appended.
std::string_view StemOf(std::string_view name) {
  name = name.substr(0, kLongestStem);
  while (name.ends_with('-') || name.ends_with('.')) {
    name.remove_suffix(1);
  }
  return name;
}

}  // namespace

Record EventOf(const ResourceType& type, const ObjectMeta& about, const Occurrence& occurrence,
               WallTime now) {
  api::Event event;
  event.metadata.name = std::string(StemOf(about.name)) + "." +
                        ShortHash(about.uid + "/" + occurrence.reason + "/" + occurrence.which, 16);
  event.metadata.namespace_name = type.namespaced ? about.namespace_name : "default";
  event.involved_object = {.api_version = type.ApiVersion(),
                           .kind = type.kind,
                           .namespace_name = about.namespace_name,
                           .name = about.name,
                           .uid = about.uid};
  event.type = occurrence.warning ? "Warning" : "Normal";
  event.reason = occurrence.reason;
  event.message = Utf8Prefix(occurrence.message, kLongestMessage);
  event.first_timestamp = now;
  event.last_timestamp = now;
  event.count = 1;
  event.source = api::EventSourceInfo{.component = std::string(api::field_managers::kController)};
  event.reporting_component = api::field_managers::kController;
  return {{.type = api::Event::Type(),
           .object = api::ToBody(event),
           .field_manager = std::string(api::field_managers::kController)}};
}

}  // namespace midwatch
