#include "controller/apiserver/version.h"

namespace midwatch::apiserver {
namespace {

std::string TextOf(const Json* value) {
  if (value == nullptr) {
    return {};
  }
  return value->IsString() ? value->AsString() : value->Dump();
}

}  // namespace

const std::vector<std::string>& Version::SelectableValues() const {
  std::call_once(read_, [this] {
    if (resource_.selectable.empty()) {
      return;
    }
    const Json body = object_.Body();
    for (const SelectableField& field : resource_.selectable) {
      values_.push_back(TextOf(field.path.First(body)));
    }
  });
  return values_;
}

}  // namespace midwatch::apiserver
