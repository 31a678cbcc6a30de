#include "controller/posix/local_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace midwatch::posix {
namespace {

class LocalFilesTest : public testing::Test {
 protected:
  LocalFilesTest() : directory_(testing::TempDir() + "local_files_" + std::to_string(getpid())) {
    std::filesystem::create_directories(directory_ + "/.git");
    std::filesystem::create_directories(directory_ + "/b/c");
    Write("b/c/one.yaml", "1");
    Write("a.yaml", "22");
    Write(".git/config", "hidden");
    std::filesystem::create_symlink("a.yaml", directory_ + "/link.yaml");
    std::filesystem::create_directory_symlink("b/c", directory_ + "/linked");
    std::filesystem::create_directory_symlink("/usr", directory_ + "/outside");
    std::filesystem::create_directories(directory_ + "/sub");
    Write("sub/.git", "gitdir: ../.git/modules/sub");
    Write("sub/x.yaml", "");
  }
  ~LocalFilesTest() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& path, const std::string& bytes) {
    std::ofstream(directory_ + "/" + path) << bytes;
  }

  const std::string directory_;
  PosixLocalFiles files_;
};

TEST_F(LocalFilesTest, WalksInOrderWithoutGitAndNamesLinksAndSubmodules) {
  const auto found = files_.Walk(directory_);
  ASSERT_TRUE(found);
  std::map<std::string, LocalFileKind> kinds;
  for (const LocalFile& file : *found) {
    kinds[file.path] = file.kind;
  }
  using enum LocalFileKind;
  EXPECT_EQ(kinds, (std::map<std::string, LocalFileKind>{{"a.yaml", kFile},
                                                         {"b/c/one.yaml", kFile},
                                                         {"link.yaml", kSymlink},
                                                         {"linked", kDirectoryLink},
                                                         {"outside", kSymlink},
                                                         {"sub", kSubmodule}}));
  EXPECT_TRUE(
      std::is_sorted(found->begin(), found->end(),
                     [](const LocalFile& a, const LocalFile& b) { return a.path < b.path; }));
}

TEST_F(LocalFilesTest, TellsWhereADirectoryLiesInItsWorkTree) {
  EXPECT_EQ(files_.PathInWorkTree(directory_), "");
  EXPECT_EQ(files_.PathInWorkTree(directory_ + "/"), "");
  EXPECT_EQ(files_.PathInWorkTree(directory_ + "/b/../b/c/"), "b/c");
  EXPECT_EQ(files_.PathInWorkTree(directory_ + "/linked"), "b/c");
  EXPECT_EQ(files_.PathInWorkTree(directory_ + "/sub"), "") << "a repository of its own";
  EXPECT_EQ(files_.PathInWorkTree("/usr/bin"), std::nullopt);
  EXPECT_EQ(files_.PathInWorkTree(directory_ + "/nowhere"), std::nullopt);
}

TEST_F(LocalFilesTest, ReadsWithinTheLimit) {
  EXPECT_EQ(*files_.Read(directory_ + "/a.yaml", 2), "22");
  EXPECT_EQ(files_.Read(directory_ + "/a.yaml", 1).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(files_.Read(directory_ + "/nope", 1).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(files_.Walk(directory_ + "/nope"));
}

TEST_F(LocalFilesTest, WritesForTheOwnerAlone) {
  const std::string path = directory_ + "/kubeconfig";
  Write("kubeconfig", "old");
  ASSERT_TRUE(files_.WritePrivate(path, "new"));
  EXPECT_EQ(*files_.Read(path, 10), "new");
  struct stat state {};
  ASSERT_EQ(stat(path.c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777U, 0600U);
  EXPECT_FALSE(files_.WritePrivate(directory_ + "/nowhere/x", ""));
}

}  // namespace
}  // namespace midwatch::posix
