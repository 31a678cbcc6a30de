#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/object/object_key.h"

namespace midwatch::manifest {

/// A place in a file, both numbers from 1. Columns count bytes. Line 0: the file as a whole.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend auto operator<=>(const Position&, const Position&) = default;
};

/// What kind of mistake it is. The names are part of the interface: they stand in messages and in
/// `status.errors[].code`.
enum class ManifestErrorCode : std::uint8_t {
  kSyntax,
  kEncoding,  ///< Not UTF-8, or control characters.
  kTooLarge,
  kTooDeep,
  kTooManyNodes,  ///< Also: too many anchors, too much alias expansion, alias cycles.
  kTooManyManifests,
  kDuplicateKey,
  kInvalidKey,  ///< A mapping key that is no string, or a merge key.
  kUnknownTag,
  kUnsupportedValue,  ///< A scalar that JSON cannot say: `.nan`.
  kNotAnObject,       ///< No mapping, or without apiVersion, kind or metadata.name.
  kUnknownKind,
  kUnknownVersion,
  kUnknownField,
  kInvalidField,  ///< Wrong type, missing, out of range, or a rule of the schema.
  kInvalidScope,  ///< A namespace missing, or one on a cluster-scoped object.
  kDuplicateObject,
  kNotAllowed,  ///< Outside what the source may write.
  kNotOwned,    ///< Another source owns the object, or nobody does and adopting is off.
  kSymlink,
  kSubmodule,
  kLfsPointer,
};

/// `SyntaxError`, `DuplicateKey`, …
std::string_view NameOf(ManifestErrorCode code);

/// One mistake in one file.
struct ManifestError {
  ManifestErrorCode code = ManifestErrorCode::kSyntax;
  std::string path;
  Position at;
  std::optional<ObjectKey> key;  ///< The object that it is about, where it can be told.
  std::string object;            ///< `Module payments/database`, or empty.
  std::string field;             ///< `spec.source.url`, or empty.
  std::string message;

  /// `missions/nightly.yaml:12:5: UnknownField: spec.agnetRef: unknown field, did you mean
  /// "agentRef"?`
  std::string ToString() const;

  friend bool operator==(const ManifestError&, const ManifestError&) = default;
};

/// By path, line, column, code, message.
void SortErrors(std::vector<ManifestError>& errors);

}  // namespace midwatch::manifest
