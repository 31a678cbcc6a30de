#pragma once

#include <memory>

#include "controller/env/git_client.h"
#include "controller/manifest/repository.h"
#include "controller/reconcilers/gitsource/snapshot_cache.h"

namespace midwatch::gitsource {

/// Paths of manifests end in these (GitFetchRequest::read_suffixes).
std::vector<std::string> ManifestSuffixes();

/// What an entry is to a manifest's reader. All in a directory that is as it is known was a file.
manifest::EntryKind EntryKindOf(GitEntryKind kind);

/// Reads and checks what was fetched. Files that stand in `before` (of the same source, scope and
/// schemas, or null) with the same blob are taken from there, renamed ones too: their bytes need
/// not be in `fetched`. Pure.
std::shared_ptr<const Snapshot> LoadSnapshot(const manifest::ManifestSchemas& schemas,
                                             const manifest::ManifestScope& scope,
                                             const GitSnapshot& fetched, const Snapshot* before,
                                             const manifest::ForEach& for_each);

}  // namespace midwatch::gitsource
