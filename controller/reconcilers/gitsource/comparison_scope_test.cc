#include "controller/reconcilers/gitsource/comparison_scope.h"

#include <gtest/gtest.h>

#include "controller/reconcilers/gitsource/snapshot_loader.h"
#include "controller/reconcilers/gitsource/test_source.h"
#include "controller/testing/object_builder.h"

namespace midwatch::gitsource {
namespace {

const ResourceType kModule = TestSchemas().FindResource("modules.midwatch.dev")->type;

Object Live(const std::string& name) {
  return fakes::ObjectBuilder(kModule, name, "payments").Build();
}

Inventory Seen(std::vector<Object> objects) {
  return {std::make_shared<const std::vector<Object>>(std::move(objects))};
}

std::shared_ptr<const Snapshot> Load(const std::map<std::string, std::string>& files,
                                     const Snapshot* before = nullptr) {
  GitSnapshot fetched;
  for (const auto& [path, bytes] : files) {
    GitEntry entry;
    entry.path = path;
    entry.blob = bytes;
    entry.bytes = bytes;
    fetched.entries.push_back(std::move(entry));
  }
  return LoadSnapshot(TestSchemas(), {}, fetched, before, manifest::InOrder);
}

class ManifestsToCompareTest : public testing::Test {
 protected:
  ManifestsToCompareTest() {
    last_.revision = snapshot_.get();
    last_.inventory = Seen({a_, b_, c_});
  }

  std::string Names(const Snapshot& revision, const Inventory& inventory) const {
    const auto found = ManifestsToCompare(last_, {kModule}, revision, inventory);
    std::string names = found ? "" : "everything";
    for (const manifest::Manifest* declared :
         found.value_or(std::vector<const manifest::Manifest*>())) {
      names += declared->key.name + " ";
    }
    return names;
  }

  const std::map<std::string, std::string> files_ = {
      {"a.yaml", ModuleYaml("a")}, {"b.yaml", ModuleYaml("b")}, {"c.yaml", ModuleYaml("c")}};
  const std::shared_ptr<const Snapshot> snapshot_ = Load(files_);
  const Object a_ = Live("a");
  const Object b_ = Live("b");
  const Object c_ = Live("c");
  LastComparison last_;
};

TEST_F(ManifestsToCompareTest, NothingIfNothingChanged) {
  EXPECT_EQ(Names(*snapshot_, last_.inventory), "");
}

TEST_F(ManifestsToCompareTest, EverythingTheFirstTimeAndWhereSomethingWasPruned) {
  last_.prunes = true;
  EXPECT_EQ(Names(*snapshot_, last_.inventory), "everything");
  last_ = {};
  EXPECT_EQ(Names(*snapshot_, Seen({a_, b_, c_})), "everything");
}

TEST_F(ManifestsToCompareTest, WhatWasOpen) {
  last_.open = {{kModule.Resource(), "payments", "c"}};
  EXPECT_EQ(Names(*snapshot_, last_.inventory), "c ");
}

TEST_F(ManifestsToCompareTest, WhatChangedCameOrWentLive) {
  EXPECT_EQ(Names(*snapshot_, Seen({a_, Live("b"), c_})), "b ");
  EXPECT_EQ(Names(*snapshot_, Seen({b_, c_})), "a ");
  EXPECT_EQ(Names(*snapshot_, Seen({a_, b_})), "c ");
  EXPECT_EQ(Names(*snapshot_, Seen({})), "a b c ");
  last_.inventory = Seen({a_, c_});
  EXPECT_EQ(Names(*snapshot_, Seen({a_, b_, c_})), "b ");
}

TEST_F(ManifestsToCompareTest, EverythingIfAMarkAppearsOnWhatIsNotDeclared) {
  EXPECT_EQ(Names(*snapshot_, Seen({a_, b_, c_, Live("d")})), "everything");
}

TEST_F(ManifestsToCompareTest, WhatChangedFilesDeclare) {
  std::map<std::string, std::string> files = files_;
  files["b.yaml"] = ModuleYaml("b", "New");
  files["d.yaml"] = ModuleYaml("d");
  EXPECT_EQ(Names(*Load(files, snapshot_.get()), last_.inventory), "b d ");
}

TEST_F(ManifestsToCompareTest, EverythingIfSomethingIsDeclaredNoMore) {
  std::map<std::string, std::string> files = files_;
  files.erase("b.yaml");
  EXPECT_EQ(Names(*Load(files, snapshot_.get()), last_.inventory), "everything");
  files = files_;
  files["b.yaml"] = ModuleYaml("renamed");
  EXPECT_EQ(Names(*Load(files, snapshot_.get()), last_.inventory), "everything");
}

TEST_F(ManifestsToCompareTest, EverythingIfSomethingBecomesDeclaredTwice) {
  std::map<std::string, std::string> files = files_;
  files["z.yaml"] = ModuleYaml("a");
  EXPECT_EQ(Names(*Load(files, snapshot_.get()), last_.inventory), "everything");
}

}  // namespace
}  // namespace midwatch::gitsource
