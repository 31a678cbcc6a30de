#include "controller/cli/manifest_files.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "controller/api/embedded_document.h"
#include "controller/base/text.h"

namespace midwatch::cli {
namespace {

const std::size_t kMostBytes = manifest::LoadLimits{}.file_bytes;

manifest::EntryKind KindOf(LocalFileKind kind) {
  switch (kind) {
    case LocalFileKind::kSymlink:
      return manifest::EntryKind::kSymlink;
    case LocalFileKind::kSubmodule:
      return manifest::EntryKind::kSubmodule;
    case LocalFileKind::kDirectoryLink:
      return manifest::EntryKind::kDirectoryLink;
    default:
      return manifest::EntryKind::kFile;
  }
}

Result<void> AddDirectory(Context& context, const std::string& path,
                          std::vector<ManifestFile>& out) {
  MIDWATCH_ASSIGN(const std::vector<LocalFile> found, context.world.files.Walk(path));
  const std::string prefix = path == "." ? "" : path + (path.ends_with('/') ? "" : "/");
  for (const LocalFile& file : found) {
    const manifest::EntryKind kind = KindOf(file.kind);
    if (!manifest::MayDeclare(file.path, kind)) {
      continue;
    }
    ManifestFile& added = out.emplace_back(
        ManifestFile{.path = prefix + file.path, .relative = file.path, .bytes = {}, .kind = kind});
    if (kind == manifest::EntryKind::kFile) {
      MIDWATCH_ASSIGN(added.bytes, context.world.files.Read(added.path, kMostBytes));
    }
  }
  return {};
}

manifest::DeclaredFile CheckOne(const ManifestFile& file, const manifest::ManifestScope& scope) {
  if (file.relative.empty()) {
    return manifest::CheckFile(KnownSchemas(), scope, file.path, file.bytes);
  }
  manifest::DeclaredFile checked = manifest::CheckEntry(
      KnownSchemas(), scope, {.path = file.relative, .kind = file.kind, .bytes = file.bytes});
  for (manifest::Manifest& one : checked.manifests) {
    one.path = file.path;
  }
  for (manifest::Manifest& one : checked.refused) {
    one.path = file.path;
  }
  for (manifest::ManifestError& error : checked.errors) {
    error.path = file.path;
  }
  return checked;
}

/// On a few threads: files do not depend on each other.
void ForEachFile(std::size_t count, const std::function<void(std::size_t)>& body) {
  constexpr std::size_t kWorthAThread = 64;
  const std::size_t threads = std::min<std::size_t>(
      std::max(1U, std::thread::hardware_concurrency()), count / kWorthAThread + 1);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      body(i);
    }
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < threads; ++i) {
    others.emplace_back(work);
  }
  work();
  for (std::thread& thread : others) {
    thread.join();
  }
}

}  // namespace

Result<std::vector<ManifestFile>> ReadManifestFiles(Context& context,
                                                    const std::vector<std::string>& paths) {
  std::vector<ManifestFile> out;
  for (const std::string& path : paths) {
    if (path != "-" && context.world.files.IsDirectory(path)) {
      MIDWATCH_TRY(AddDirectory(context, path, out));
      continue;
    }
    MIDWATCH_ASSIGN(std::string bytes, context.world.files.Read(path, kMostBytes));
    out.push_back(
        {.path = path == "-" ? "<stdin>" : path, .relative = {}, .bytes = std::move(bytes)});
  }
  return out;
}

const manifest::ManifestSchemas& KnownSchemas() {
  static const manifest::ManifestSchemas kSchemas =
      manifest::ManifestSchemas::FromCrds(api::EmbeddedDefinitions()).value();
  return kSchemas;
}

manifest::DeclaredSet CheckFiles(const std::vector<ManifestFile>& files,
                                 const manifest::ManifestScope& scope) {
  KnownSchemas();  // Made before there are threads.
  std::vector<std::shared_ptr<const manifest::DeclaredFile>> checked(files.size());
  ForEachFile(files.size(), [&](std::size_t i) {
    checked[i] = std::make_shared<const manifest::DeclaredFile>(CheckOne(files[i], scope));
  });
  return manifest::CombineFiles(std::move(checked));
}

std::string ShowError(const manifest::ManifestError& error, const Style& style) {
  std::string place = error.path;
  if (error.at.line > 0) {
    place += ":" + std::to_string(error.at.line) + ":" + std::to_string(error.at.column);
  }
  std::string text = style.Bold(HarmlessLine(place)) + ": " +
                     style.In(Colour::kRed, manifest::NameOf(error.code)) + ": ";
  if (!error.field.empty()) {
    text += style.In(Colour::kCyan, HarmlessLine(error.field)) + ": ";
  }
  return text + HarmlessLine(error.message);
}

}  // namespace midwatch::cli
