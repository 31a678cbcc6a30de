#include "controller/manifest/repository.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "controller/manifest/test_schemas.h"

namespace midwatch::manifest {
namespace {

const ManifestScope kPayments = {.default_namespace = "payments", .everywhere = true};

std::string Module(const std::string& name) {
  return "apiVersion: midwatch.dev/v1alpha1\nkind: Module\nmetadata: {name: " + name + "}\n";
}

std::string Shown(const DeclaredSet& set) {
  std::string out;
  for (const Manifest* manifest : set.manifests) {
    out += manifest->path + " " + manifest->key.ToString() + "\n";
  }
  for (const ManifestError& error : set.errors) {
    out += error.ToString() + "\n";
  }
  return out;
}

DeclaredSet Check(const std::vector<RepositoryEntry>& entries,
                  const RepositoryLimits& limits = {}) {
  return CheckRepository(TestSchemas(), kPayments, entries, limits);
}

TEST(IsManifestPathTest, KnowsManifestsByTheirNames) {
  for (const std::string_view path : {"a.yaml", "a/b.YML", "a.json", "a.b/c.yaml"}) {
    EXPECT_TRUE(IsManifestPath(path)) << path;
  }
  for (const std::string_view path : {"README.md", "yaml", "a.yaml.bak", ".github/ci.yaml",
                                      "a/.hidden.yaml", "a.yamlx", "", "..yaml/x.yaml"}) {
    EXPECT_FALSE(IsManifestPath(path)) << path;
  }
}

TEST(RepositoryTest, ReadsManifestsAndNothingElse) {
  const std::string a = Module("a");
  const DeclaredSet set =
      Check({{.path = "README.md", .bytes = "# not: [yaml"},
             {.path = "bin/tool", .bytes = std::string_view("\0\1", 2)},
             {.path = "link.txt", .kind = EntryKind::kSymlink, .bytes = "/etc/x"},
             {.path = ".vendor/sub", .kind = EntryKind::kSubmodule},
             {.path = "a/.link", .kind = EntryKind::kDirectoryLink},
             {.path = "modules/a.yaml", .bytes = a}});
  EXPECT_EQ(Shown(set), "modules/a.yaml modules.midwatch.dev/payments/a\n");
  EXPECT_TRUE(set.complete);
}

TEST(RepositoryTest, SaysWhyAnEntryIsNotRead) {
  const DeclaredSet set =
      Check({{.path = "big.yaml", .too_large = true},
             {.path = "lfs.yaml",
              .bytes = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"},
             {.path = "link.yaml", .kind = EntryKind::kSymlink, .bytes = "../../etc/passwd"},
             {.path = "shared", .kind = EntryKind::kDirectoryLink},
             {.path = "vendor/sub", .kind = EntryKind::kSubmodule}});
  EXPECT_EQ(
      Shown(set),
      "big.yaml: TooLarge: the file is too large, expected at most 33554432 bytes\n"
      "lfs.yaml: LfsPointer: the file is in Git LFS, only its pointer is here; manifests must "
      "be in git\n"
      "link.yaml: Symlink: symbolic links are not followed, put the manifest here\n"
      "shared: Symlink: symbolic links are not followed, put the directory here or sync it by a "
      "GitSource of its own\n"
      "vendor/sub: Submodule: submodules are not read, sync that repository by a GitSource of "
      "its own\n");
  EXPECT_FALSE(set.complete);
}

TEST(RepositoryTest, AnObjectDeclaredTwiceIsRefusedInBothPlaces) {
  const std::string a = Module("a");
  const std::string both = Module("b") + "---\n" + Module("a");
  const DeclaredSet set =
      Check({{.path = "one.yaml", .bytes = a}, {.path = "two.yaml", .bytes = both}});
  EXPECT_EQ(Shown(set),
            "two.yaml modules.midwatch.dev/payments/b\n"
            "one.yaml:1:1: DuplicateObject: Module payments/a is declared twice, also in "
            "two.yaml:5\n"
            "two.yaml:5:1: DuplicateObject: Module payments/a is declared twice, also in "
            "one.yaml:1\n");
  EXPECT_TRUE(set.complete) << "both errors say which object they are about";
}

TEST(RepositoryTest, AnObjectDeclaredTwiceIsSeenThoughOneOfThemHasErrors) {
  const std::string good = Module("a");
  const std::string bad = Module("a") + "speck: {}\n";
  const DeclaredSet set =
      Check({{.path = "good.yaml", .bytes = good}, {.path = "bad.yaml", .bytes = bad}});
  EXPECT_EQ(Shown(set),
            "bad.yaml:1:1: DuplicateObject: Module payments/a is declared twice, also in "
            "good.yaml:1\n"
            "bad.yaml:4:1: UnknownField: speck: unknown field, did you mean \"spec\"?\n"
            "good.yaml:1:1: DuplicateObject: Module payments/a is declared twice, also in "
            "bad.yaml:1\n");
}

TEST(RepositoryTest, TheSameNameInAnotherNamespaceOrKindIsAnotherObject) {
  const std::string text = Module("a") +
                           "---\napiVersion: midwatch.dev/v1alpha1\nkind: Module\n"
                           "metadata: {name: a, namespace: other}\n---\napiVersion: "
                           "midwatch.dev/v1alpha1\nkind: Agent\nmetadata: {name: a}\n";
  const DeclaredSet set = Check({{.path = "a.yaml", .bytes = text}});
  EXPECT_EQ(set.manifests.size(), 3U);
  EXPECT_TRUE(set.errors.empty());
}

TEST(RepositoryTest, ErrorsOfAllFilesComeTogetherAndInOrder) {
  const DeclaredSet set = Check({{.path = "b.yaml", .bytes = "a: [\n"},
                                 {.path = "a.yaml", .bytes = "kind: Nothing\napiVersion: v1\n"}});
  EXPECT_EQ(Shown(set),
            "a.yaml:1:1: UnknownKind: kind: unknown kind \"Nothing\", expected a kind of "
            "coordination.k8s.io/v1, midwatch.dev/v1alpha1, v1\n"
            "b.yaml:2:1: SyntaxError: expected \",\" or \"]\"\n");
}

TEST(RepositoryTest, FiftyThousandManifestsAreEnough) {
  std::string text;
  const auto declare = [&](int count) {
    text.clear();
    for (int i = 0; i < count; ++i) {
      text += "---\n" + Module("m" + std::to_string(i));
    }
    return Check({{.path = "a.yaml", .bytes = text}});
  };
  EXPECT_EQ(declare(50'000).manifests.size(), 50'000U);
  const DeclaredSet over = declare(50'001);
  EXPECT_EQ(Shown(over),
            ".: TooManyManifests: there are 50001 manifests, expected at most 50000\n");
  EXPECT_FALSE(over.complete);
}

TEST(RepositoryTest, ManifestsMayHave256Mebibytes) {
  const std::string comment((std::size_t{32} << 20) - 1, '#');
  std::vector<std::string> paths;
  for (char name = 'a'; name <= 'i'; ++name) {
    paths.push_back(std::string(1, name) + ".yaml");
  }
  std::vector<RepositoryEntry> entries;
  for (const std::string& path : paths) {
    entries.push_back({.path = path, .bytes = comment});
  }
  EXPECT_EQ(Shown(Check(entries)),
            ".: TooLarge: the manifests have 301989879 bytes, expected at most 268435456\n");
}

TEST(RepositoryTest, FilesThatAreKnownCountAsWell) {
  std::vector<std::shared_ptr<const DeclaredFile>> files;
  const auto add = [&](std::size_t bytes) {
    DeclaredFile file;
    file.bytes = bytes;
    files.push_back(std::make_shared<const DeclaredFile>(std::move(file)));
    return Shown(CombineFiles(files));
  };
  EXPECT_EQ(add(std::size_t{200} << 20), "");
  EXPECT_EQ(add(std::size_t{56} << 20), "");
  EXPECT_EQ(add(1),
            ".: TooLarge: the manifests have 268435457 bytes, expected at most 268435456\n");
  const std::string module = Module("a");
  EXPECT_EQ(CheckEntry(TestSchemas(), kPayments, {.path = "a.yaml", .bytes = module}).bytes,
            module.size());
}

TEST(RepositoryTest, TheOrderOfTheWorkDoesNotShow) {
  std::vector<std::string> texts;
  std::vector<std::string> paths;
  for (int i = 0; i < 50; ++i) {
    texts.push_back(i % 7 == 0 ? "a: [\n" : Module("m" + std::to_string(i % 40)));
    paths.push_back("f" + std::to_string(i) + ".yaml");
  }
  std::vector<RepositoryEntry> entries;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    entries.push_back({.path = paths[i], .bytes = texts[i]});
  }
  const ForEach backwards = [](std::size_t count, const std::function<void(std::size_t)>& body) {
    for (std::size_t i = count; i > 0; --i) {
      body(i - 1);
    }
  };
  EXPECT_EQ(Shown(CheckRepository(TestSchemas(), kPayments, entries, {}, backwards)),
            Shown(Check(entries)));
}

}  // namespace
}  // namespace midwatch::manifest
