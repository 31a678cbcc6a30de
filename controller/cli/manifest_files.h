#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/cli/context.h"
#include "controller/manifest/manifest_schemas.h"
#include "controller/manifest/repository.h"

namespace midwatch::cli {

/// One file or symlink that was named, or found in a directory that was named.
struct ManifestFile {
  std::string path;      ///< As people are told of it.
  std::string relative;  ///< Below the directory that was named; empty if the file itself was.
  std::string bytes;
  manifest::EntryKind kind = manifest::EntryKind::kFile;
};

/// Reads files, whole directories and standard input (`-`). In directories what is no manifest by
/// its name is left out.
Result<std::vector<ManifestFile>> ReadManifestFiles(Context& context,
                                                    const std::vector<std::string>& paths);

/// The kinds that this program knows.
const manifest::ManifestSchemas& KnownSchemas();

/// Checks the files as a GitSource with that scope would.
manifest::DeclaredSet CheckFiles(const std::vector<ManifestFile>& files,
                                 const manifest::ManifestScope& scope);

/// `path:line:column: code: field: message` in colours.
std::string ShowError(const manifest::ManifestError& error, const Style& style);

}  // namespace midwatch::cli
