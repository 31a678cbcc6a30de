#include "controller/apiserver/selection.h"

#include <algorithm>
#include <string>
#include <vector>

#include "controller/base/text.h"

namespace midwatch::apiserver {
namespace {

constexpr std::string_view kName = "metadata.name";
constexpr std::string_view kNamespace = "metadata.namespace";

bool IsSelectable(const ResourceInfo& resource, std::string_view field) {
  return field == kName || field == kNamespace ||
         std::any_of(resource.selectable.begin(), resource.selectable.end(),
                     [&](const SelectableField& known) { return known.name == field; });
}

Error NotSelectable(const ResourceInfo& resource, const std::string& field) {
  std::vector<std::string> known = {std::string(kName), std::string(kNamespace)};
  for (const SelectableField& one : resource.selectable) {
    known.push_back(one.name);
  }
  return {ErrorCode::kBadRequest, "field label not supported: " + field + " (" +
                                      resource.type.Resource() + " have " + Join(known, ", ") +
                                      ")"};
}

std::string ValueOf(const Version& version, std::string_view field) {
  if (field == kName) {
    return version.key().name;
  }
  if (field == kNamespace) {
    return version.key().namespace_name;
  }
  const auto& known = version.resource().selectable;
  const auto& values = version.SelectableValues();
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i].name == field) {
      return values[i];
    }
  }
  return {};
}

}  // namespace

Result<Selection> Selection::Parse(const ResourceInfo& resource, std::string_view namespace_name,
                                   std::string_view label_selector,
                                   std::string_view field_selector) {
  Selection out;
  out.namespace_name = namespace_name;
  MIDWATCH_ASSIGN(out.labels, LabelSelector::Parse(label_selector));
  MIDWATCH_ASSIGN(out.fields, FieldSelector::Parse(field_selector));
  if (out.labels.requirements().size() + out.fields.requirements().size() > kMaxRequirements) {
    return Fail(ErrorCode::kBadRequest, "label and field selector: expected at most " +
                                            std::to_string(kMaxRequirements) + " requirements");
  }
  for (const FieldSelector::Requirement& requirement : out.fields.requirements()) {
    if (!IsSelectable(resource, requirement.field)) {
      return Fail(NotSelectable(resource, requirement.field));
    }
  }
  return out;
}

bool Selection::Matches(const Version& version) const {
  return (namespace_name.empty() || version.key().namespace_name == namespace_name) &&
         (labels.Empty() || labels.Matches(version.object().meta().labels)) &&
         (fields.Empty() ||
          fields.Matches([&](std::string_view field) { return ValueOf(version, field); }));
}

std::string_view Selection::Required(std::string_view field) const {
  for (const FieldSelector::Requirement& requirement : fields.requirements()) {
    if (requirement.equal && requirement.field == field) {
      return requirement.value;
    }
  }
  return {};
}

}  // namespace midwatch::apiserver
