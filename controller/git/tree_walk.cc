#include "controller/git/tree_walk.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "controller/base/text.h"

namespace midwatch::git {
namespace {

constexpr int kTypeBits = 0170000;  // Of a file mode.

bool ById(const git_oid& a, const git_oid& b) { return git_oid_cmp(&a, &b) < 0; }

// An object that a tree names and the repository lacks is no missing path: the repository is
// damaged.
Error ReadFailure(int code, std::string_view doing) {
  Error error = LastGitError(code, doing);
  if (error.code == ErrorCode::kNotFound) {
    error.code = ErrorCode::kInternal;
  }
  return error;
}

bool IsForbiddenName(std::string_view name) {
  return name.empty() || name == "." || name == ".." || ToLower(name) == ".git" ||
         name.find('/') != std::string_view::npos;
}

Result<TreeHandle> LookUpTree(git_repository* repository, const git_oid& id, std::string_view path,
                              std::uint64_t limit) {
  OdbHandle odb;
  git_odb* raw_odb = nullptr;
  if (const int error = git_repository_odb(&raw_odb, repository); error != 0) {
    return Fail(LastGitError(error, "cannot read the object database"));
  }
  odb.reset(raw_odb);
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  const std::string doing = "cannot read the directory " + Quote(path);
  if (const int error = git_odb_read_header(&size, &type, odb.get(), &id); error != 0) {
    return Fail(ReadFailure(error, doing));
  }
  if (size > limit) {
    return Fail(ErrorCode::kTooLarge,
                doing + ": it has more than " + std::to_string(limit) + " bytes of entries");
  }
  git_tree* tree = nullptr;
  if (const int error = git_tree_lookup(&tree, repository, &id); error != 0) {
    return Fail(ReadFailure(error, doing));
  }
  return TreeHandle(tree);
}

/// What a symbolic link at `path` points to, from the root of the repository, whether it is there
/// or not. Nothing: it leaves the repository.
std::optional<std::string> LinkTarget(std::string_view path, std::string_view target) {
  if (target.empty() || target.starts_with('/')) {
    return std::nullopt;
  }
  const std::vector<std::string_view> place = Split(path, '/');
  std::vector<std::string> parts(place.begin(), place.end() - 1);
  for (const std::string_view part : Split(target, '/')) {
    if (part == "..") {
      if (parts.empty()) {
        return std::nullopt;
      }
      parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.emplace_back(part);
    }
  }
  return Join(parts, "/");
}

// One walk. The folders being walked are the recursion's, whose depth is bounded.
class Walker {
 public:
  Walker(git_repository* repository, git_odb* odb, const TreeWalk& walk, const EntrySink& sink)
      : repository_(repository), odb_(odb), walk_(walk), sink_(sink) {}

  /// `known`: the folder as the caller knows it, or null.
  Result<void> Folder(const git_oid& id, const std::string& prefix, int depth,
                      const git_oid* known);

 private:
  Result<void> Entry(const git_tree_entry* entry, std::string path, int depth,
                     const git_tree* known);
  Result<void> Same(const git_tree_entry* entry, std::string path);
  Result<void> File(GitEntry entry, const git_oid& id);
  bool IsDirectoryLink(const std::string& path, const git_oid& id) const;
  Result<void> Count(const std::string& path);
  bool IsRead(std::string_view path) const;

  // A tree entry takes at least 24 bytes, and 4,096 at most with the longest name.
  std::uint64_t MaxTreeBytes() const { return walk_.limits.entries * 300; }

  git_repository* repository_;
  git_odb* odb_;
  const TreeWalk& walk_;
  const EntrySink& sink_;
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_ = 0;
  std::string last_;  // Path before this one.
};

Result<void> Walker::Count(const std::string& path) {
  if (++entries_ > walk_.limits.entries) {
    return Fail(ErrorCode::kTooLarge,
                "more than " + std::to_string(walk_.limits.entries) + " files under the path");
  }
  constexpr std::uint64_t kEntriesPerClock = 256;
  if (entries_ % kEntriesPerClock == 0 && std::chrono::steady_clock::now() > walk_.deadline) {
    return Fail(ErrorCode::kTimeout, "reading the files took too long");
  }
  if (!last_.empty() && path <= last_) {
    return Fail(ErrorCode::kInvalid,
                "entries of the tree are out of order: " + Quote(last_) + ", " + Quote(path));
  }
  last_ = path;
  return {};
}

bool Walker::IsRead(std::string_view path) const {
  const std::vector<std::string>& suffixes = walk_.read_suffixes;
  if (suffixes.empty()) {
    return true;
  }
  const std::string lower = ToLower(path);
  return std::any_of(suffixes.begin(), suffixes.end(),
                     [&](const std::string& suffix) { return lower.ends_with(suffix); });
}

Result<void> Walker::Folder(const git_oid& id, const std::string& prefix, int depth,
                            const git_oid* known) {
  if (depth > walk_.limits.depth) {
    return Fail(ErrorCode::kTooLarge, Quote(Utf8Prefix(prefix, 200)) +
                                          ": directories are more than " +
                                          std::to_string(walk_.limits.depth) + " deep");
  }
  MIDWATCH_ASSIGN(const TreeHandle tree, LookUpTree(repository_, id, prefix, MaxTreeBytes()));
  TreeHandle known_tree;
  if (known != nullptr) {  // Without it everything is new.
    if (auto found = LookUpTree(repository_, *known, prefix, MaxTreeBytes())) {
      known_tree = *std::move(found);
    }
  }
  const std::size_t count = git_tree_entrycount(tree.get());
  for (std::size_t i = 0; i < count; ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(tree.get(), i);
    const std::string_view name = git_tree_entry_name(entry);
    if (IsForbiddenName(name)) {
      return Fail(ErrorCode::kInvalid,
                  Quote(prefix + std::string(name)) + ": git forbids this name");
    }
    MIDWATCH_TRY(Entry(entry, prefix + std::string(name), depth, known_tree.get()));
  }
  return {};
}

Result<void> Walker::Entry(const git_tree_entry* entry, std::string path, int depth,
                           const git_tree* known) {
  const git_oid& id = *git_tree_entry_id(entry);
  const int type = git_tree_entry_filemode_raw(entry) & kTypeBits;
  const git_tree_entry* before =
      known == nullptr ? nullptr : git_tree_entry_byname(known, git_tree_entry_name(entry));
  if (before != nullptr &&
      (git_tree_entry_filemode_raw(before) & kTypeBits) != static_cast<unsigned>(type)) {
    before = nullptr;
  }
  const bool same = before != nullptr && git_oid_equal(git_tree_entry_id(before), &id) == 1;
  if (type == GIT_FILEMODE_TREE && !same) {
    return Folder(id, path + "/", depth + 1,
                  before == nullptr ? nullptr : git_tree_entry_id(before));
  }
  if (same && (type == GIT_FILEMODE_TREE || type == (GIT_FILEMODE_BLOB & kTypeBits))) {
    return Same(entry, std::move(path));
  }
  MIDWATCH_TRY(Count(path));
  GitEntry found;
  found.path = std::move(path);
  found.blob = IdText(id);
  if (type == (GIT_FILEMODE_LINK & kTypeBits) || type == (GIT_FILEMODE_COMMIT & kTypeBits)) {
    const bool link = type == (GIT_FILEMODE_LINK & kTypeBits);
    found.kind = !link                             ? GitEntryKind::kSubmodule
                 : IsDirectoryLink(found.path, id) ? GitEntryKind::kDirectoryLink
                                                   : GitEntryKind::kSymlink;
    return sink_(std::move(found));
  }
  return File(std::move(found), id);
}

/// A file or directory that is as it is known.
Result<void> Walker::Same(const git_tree_entry* entry, std::string path) {
  const bool directory = git_tree_entry_type(entry) == GIT_OBJECT_TREE;
  GitEntry found;
  found.path = std::move(path) + (directory ? "/" : "");
  found.kind = directory ? GitEntryKind::kSameDirectory : GitEntryKind::kFile;
  found.blob = IdText(*git_tree_entry_id(entry));
  MIDWATCH_TRY(Count(found.path));
  return sink_(std::move(found));
}

/// A link that cannot be read leads nowhere.
bool Walker::IsDirectoryLink(const std::string& path, const git_oid& id) const {
  constexpr std::size_t kLongestTarget = 4'096;  // PATH_MAX.
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  git_odb_object* object = nullptr;
  if (git_odb_read_header(&size, &type, odb_, &id) != 0 || type != GIT_OBJECT_BLOB ||
      size > kLongestTarget || git_odb_read(&object, odb_, &id) != 0) {
    return false;
  }
  const OdbObjectHandle held(object);
  const auto target = LinkTarget(
      path, {static_cast<const char*>(git_odb_object_data(object)), git_odb_object_size(object)});
  return target && FindTree(repository_, walk_.root, *target);
}

Result<void> Walker::File(GitEntry entry, const git_oid& id) {
  const std::vector<git_oid>& known = walk_.known_blobs;
  if (!IsRead(entry.path) || std::binary_search(known.begin(), known.end(), id, ById)) {
    return sink_(std::move(entry));
  }
  const auto failed = [&](int error) {
    return Fail(ReadFailure(error, "cannot read " + Quote(entry.path)));
  };
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (const int error = git_odb_read_header(&size, &type, odb_, &id); error != 0) {
    return failed(error);
  }
  if (type != GIT_OBJECT_BLOB) {
    return Fail(ErrorCode::kInvalid, Quote(entry.path) + ": the object of this file is no file");
  }
  if (size > walk_.limits.file_bytes) {
    entry.too_large = true;
    return sink_(std::move(entry));
  }
  bytes_ += size;
  if (bytes_ > walk_.limits.total_bytes) {
    return Fail(ErrorCode::kTooLarge, "more than " + std::to_string(walk_.limits.total_bytes) +
                                          " bytes of files under the path");
  }
  git_odb_object* object = nullptr;
  if (const int error = git_odb_read(&object, odb_, &id); error != 0) {
    return failed(error);
  }
  const OdbObjectHandle held(object);
  entry.bytes.assign(static_cast<const char*>(git_odb_object_data(object)),
                     git_odb_object_size(object));
  return sink_(std::move(entry));
}

}  // namespace

Result<git_oid> FindTree(git_repository* repository, const git_oid& root, std::string_view path) {
  constexpr std::uint64_t kMaxTreeBytes = std::uint64_t{64} << 20;
  git_oid at = root;
  std::string walked;
  for (const std::string_view name : Split(path, '/')) {
    if (name.empty() || name == ".") {
      continue;
    }
    MIDWATCH_ASSIGN(const TreeHandle tree, LookUpTree(repository, at, walked, kMaxTreeBytes));
    walked.append(walked.empty() ? "" : "/").append(name);
    const git_tree_entry* entry = git_tree_entry_byname(tree.get(), std::string(name).c_str());
    if (entry == nullptr) {
      return Fail(ErrorCode::kNotFound,
                  "path " + Quote(path) + " does not exist in the repository");
    }
    if (git_tree_entry_type(entry) != GIT_OBJECT_TREE) {
      return Fail(ErrorCode::kInvalid,
                  "path " + Quote(walked) + " is a file, expected a directory");
    }
    at = *git_tree_entry_id(entry);
  }
  return at;
}

Result<void> WalkTree(git_repository* repository, const git_oid& tree, std::string_view path,
                      const TreeWalk& walk, const EntrySink& sink) {
  git_odb* odb = nullptr;
  if (const int error = git_repository_odb(&odb, repository); error != 0) {
    return Fail(LastGitError(error, "cannot read the object database"));
  }
  const OdbHandle held(odb);
  std::string prefix;
  for (const std::string_view name : Split(path, '/')) {
    if (!name.empty() && name != ".") {
      prefix.append(name).append("/");
    }
  }
  const git_oid* known = walk.known_tree ? &*walk.known_tree : nullptr;
  return Walker(repository, odb, walk, sink).Folder(tree, prefix, 0, known);
}

}  // namespace midwatch::git
