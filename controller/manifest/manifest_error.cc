#include "controller/manifest/manifest_error.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace midwatch::manifest {

std::string_view NameOf(ManifestErrorCode code) {
  constexpr std::array<std::string_view, 22> kNames = {
      "SyntaxError",      "EncodingError",   "TooLarge",       "TooDeep",      "TooManyNodes",
      "TooManyManifests", "DuplicateKey",    "InvalidKey",     "UnknownTag",   "UnsupportedValue",
      "NotAnObject",      "UnknownKind",     "UnknownVersion", "UnknownField", "InvalidField",
      "InvalidScope",     "DuplicateObject", "NotAllowed",     "NotOwned",     "Symlink",
      "Submodule",        "LfsPointer"};
  static_assert(kNames.size() == static_cast<std::size_t>(ManifestErrorCode::kLfsPointer) + 1);
  return kNames.at(static_cast<std::size_t>(code));
}

std::string ManifestError::ToString() const {
  std::string out = path;
  if (at.line > 0) {
    out += ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  }
  out += ": " + std::string(NameOf(code)) + ": ";
  if (!field.empty()) {
    out += field + ": ";
  }
  return out + message;
}

void SortErrors(std::vector<ManifestError>& errors) {
  std::stable_sort(errors.begin(), errors.end(), [](const auto& a, const auto& b) {
    return std::tie(a.path, a.at, a.code, a.message) < std::tie(b.path, b.at, b.code, b.message);
  });
}

}  // namespace midwatch::manifest
