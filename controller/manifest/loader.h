#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/manifest/manifest_error.h"
#include "controller/manifest/source_map.h"
#include "controller/object/json.h"

namespace midwatch::manifest {

/// What a manifest file may be. Crossing one is an error that names it.
struct LoadLimits {
  std::size_t document_bytes = std::size_t{1} << 20;
  std::size_t file_bytes = std::size_t{32} << 20;
  int depth = 64;                                  ///< Nested containers of a document.
  std::size_t nodes = 200'000;                     ///< Of a document, alias expansion included.
  std::size_t alias_nodes = 10'000;                ///< Of a document, made by alias expansion.
  std::size_t alias_bytes = std::size_t{1} << 20;  ///< Of text in them.
  std::size_t anchors = 1'000;                     ///< Of a document.
  std::size_t errors = 20;                         ///< Of a document; the rest is left out.
};

/// One object that a file declares: an item of a List, or a document that is no List.
struct Document {
  Json body;         ///< A mapping.
  SourceMap places;  ///< Root: where it starts.
};

struct LoadedFile {
  std::vector<Document> documents;
  std::vector<ManifestError> errors;  ///< In the order of the file.
};

/// Reads the YAML or JSON documents of a file as kubectl does, but strictly. A document with an
/// error is left out and the others are read. Empty and comment-only documents are none. `kind:
/// List` is taken apart. A UTF-8 byte order mark is skipped.
///
/// Refused, where YAML or yaml-cpp would let them pass: duplicate keys, keys that are no strings,
/// merge keys, tags outside YAML's core, directives, alias cycles, bad UTF-8, control characters.
/// Pure: may be called from several threads. Never throws.
LoadedFile LoadManifests(std::string_view path, std::string_view bytes,
                         const LoadLimits& limits = {});

/// Reads one YAML document of any shape (configuration files). Same rules; no List is taken apart.
struct LoadedYaml {
  Json body;
  SourceMap places;
  std::vector<ManifestError> errors;
};
LoadedYaml LoadYaml(std::string_view path, std::string_view bytes, const LoadLimits& limits = {});

}  // namespace midwatch::manifest
