#include <gtest/gtest.h>

#include "controller/reconcilers/gitsource/snapshot_cache.h"
#include "controller/reconcilers/gitsource/snapshot_loader.h"
#include "controller/reconcilers/gitsource/test_source.h"

namespace midwatch::gitsource {
namespace {

GitEntry File(const std::string& path, const std::string& blob, const std::string& bytes = "") {
  GitEntry entry;
  entry.path = path;
  entry.blob = blob;
  entry.bytes = bytes;
  return entry;
}

std::shared_ptr<const Snapshot> Load(std::vector<GitEntry> entries,
                                     const Snapshot* before = nullptr) {
  GitSnapshot fetched;
  fetched.revision = {.commit = "c", .tree = "t"};
  fetched.entries = std::move(entries);
  return LoadSnapshot(TestSchemas(), {}, fetched, before, manifest::InOrder);
}

FetchOutcome With(std::size_t manifests) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->declared.manifests.resize(manifests);
  FetchOutcome outcome;
  outcome.snapshot = snapshot;
  outcome.valid = snapshot;
  return outcome;
}

TEST(SnapshotLoaderTest, ReadsManifestsAndPassesOverOtherFiles) {
  const auto snapshot = Load({File("README.md", "1"), File("a.yaml", "2", ModuleYaml("a")),
                              File("b.yml", "3", ModuleYaml("b") + "---\n" + ModuleYaml("c"))});
  EXPECT_EQ(snapshot->declared.manifests.size(), 3u);
  EXPECT_TRUE(snapshot->declared.errors.empty());
  ASSERT_EQ(snapshot->files.size(), 2u);
  EXPECT_EQ(snapshot->files[1]->path, "b.yml");
  EXPECT_EQ(snapshot->files[1]->blob, "3");
}

TEST(SnapshotLoaderTest, KnownBlobsNeedNoBytesUnderTheirPathOrAnother) {
  const auto first = Load({File("a.yaml", "2", ModuleYaml("a")), File("b.yaml", "3", "kind: [")});
  ASSERT_EQ(first->declared.errors.size(), 1u);
  const auto second = Load({File("a.yaml", "2"), File("moved/b.yaml", "3")}, first.get());
  ASSERT_EQ(second->declared.manifests.size(), 1u);
  EXPECT_EQ(second->declared.manifests[0], first->declared.manifests[0]);
  ASSERT_EQ(second->declared.errors.size(), 1u);
  EXPECT_EQ(second->declared.errors[0].path, "moved/b.yaml");
}

TEST(SnapshotLoaderTest, WhatHasNotChangedIsShared) {
  const auto first = Load({File("a.yaml", "1", ModuleYaml("a")), File("b.yaml", "2", "kind: ["),
                           File("c.yaml", "3", ModuleYaml("c"))});
  const auto second =
      Load({File("a.yaml", "1"), File("bb.yaml", "4", ModuleYaml("b")), File("c.yaml", "3")},
           first.get());
  ASSERT_EQ(second->files.size(), 3u);
  EXPECT_EQ(second->files[0], first->files[0]);
  EXPECT_EQ(second->files[2], first->files[2]);
  EXPECT_EQ(second->declared.manifests.size(), 3u);
  EXPECT_TRUE(second->declared.errors.empty());
}

TEST(SnapshotLoaderTest, ADirectoryThatIsAsItWasIsTakenWhole) {
  const auto first = Load({File("a.yaml", "1", ModuleYaml("a")),
                           File("d.yaml", "4", ModuleYaml("d")), File("d/b.yaml", "2", "kind: ["),
                           File("d/c/c.yaml", "3", ModuleYaml("c")), File("e/e.yaml", "5")});
  GitEntry same = File("d/", "t");
  same.kind = GitEntryKind::kSameDirectory;
  const auto second =
      Load({File("a.yaml", "6", ModuleYaml("z")), File("d.yaml", "4"), same}, first.get());
  ASSERT_EQ(second->files.size(), 4u);
  EXPECT_EQ(second->files[1], first->files[1]);
  EXPECT_EQ(second->files[2], first->files[2]);
  EXPECT_EQ(second->files[3], first->files[3]);
  EXPECT_EQ(second->declared.manifests.size(), 3u);
  EXPECT_EQ(second->declared.errors.size(), 1u);
  EXPECT_TRUE(second->plain);
}

TEST(SnapshotLoaderTest, AChangedFileIsReadAnew) {
  const auto first = Load({File("a.yaml", "2", ModuleYaml("a"))});
  const auto second = Load({File("a.yaml", "4", ModuleYaml("z"))}, first.get());
  ASSERT_EQ(second->declared.manifests.size(), 1u);
  EXPECT_EQ(second->declared.manifests[0]->key.name, "z");
}

TEST(SnapshotLoaderTest, SymlinksSubmodulesAndLargeFilesAreErrors) {
  GitEntry link = File("link.yaml", "1");
  link.kind = GitEntryKind::kSymlink;
  GitEntry readme = File("README", "3");
  readme.kind = GitEntryKind::kSymlink;
  GitEntry shared = File("shared", "4");
  shared.kind = GitEntryKind::kDirectoryLink;
  GitEntry module = File("vendor", "5");
  module.kind = GitEntryKind::kSubmodule;
  GitEntry large = File("z.yaml", "2");
  large.too_large = true;
  const auto snapshot = Load({readme, link, shared, module, large});
  EXPECT_EQ(snapshot->declared.errors.size(), 4u);
  EXPECT_TRUE(snapshot->files.empty()) << "they are checked again each time";
  EXPECT_FALSE(snapshot->plain);
}

TEST(SnapshotCacheTest, ForgetsTheOldestSourcePastTheLimit) {
  SnapshotCache cache(100);
  cache.Store("a", With(40));
  cache.Store("b", With(40));
  cache.Store("a", With(50));
  EXPECT_NE(cache.Find("b"), nullptr);
  cache.Store("c", With(40));
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_NE(cache.Find("a"), nullptr);
  cache.Store("d", With(1'000));
  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_NE(cache.Find("d"), nullptr);
  cache.Forget("d");
  EXPECT_EQ(cache.Find("d"), nullptr);
}

}  // namespace
}  // namespace midwatch::gitsource
