#pragma once

#include <git2.h>

#include <memory>
#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace midwatch::git {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* handle) const {
    Free(handle);
  }
};

using RepositoryHandle = std::unique_ptr<git_repository, Freed<git_repository_free>>;
using RemoteHandle = std::unique_ptr<git_remote, Freed<git_remote_free>>;
using OdbHandle = std::unique_ptr<git_odb, Freed<git_odb_free>>;
using OdbObjectHandle = std::unique_ptr<git_odb_object, Freed<git_odb_object_free>>;
using ObjectHandle = std::unique_ptr<git_object, Freed<git_object_free>>;
using TreeHandle = std::unique_ptr<git_tree, Freed<git_tree_free>>;
using CommitHandle = std::unique_ptr<git_commit, Freed<git_commit_free>>;
using ReferenceHandle = std::unique_ptr<git_reference, Freed<git_reference_free>>;

/// The id in hexadecimal.
std::string IdText(const git_oid& id);
/// kInvalid if the text is no full SHA-1.
Result<git_oid> ParseId(std::string_view text);

/// What libgit2 says about its last failure on this thread, as one of our codes. `doing` starts the
/// message: `cannot reach the repository`.
Error LastGitError(int libgit2_code, std::string_view doing);

}  // namespace midwatch::git
