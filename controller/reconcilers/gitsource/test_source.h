#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/api/embedded_crds.h"
#include "controller/api/git_source.h"
#include "controller/manifest/manifest_schemas.h"
#include "controller/object/json.h"

namespace midwatch::gitsource {

/// The kinds of ours that a repository declares in the tests.
inline const manifest::ManifestSchemas& TestSchemas() {
  static const manifest::ManifestSchemas kSchemas = [] {
    std::vector<Json> crds;
    for (const auto documents : {api::EmbeddedCrds(), api::EmbeddedCoreCrds()}) {
      for (const api::EmbeddedDocument& document : documents) {
        if (document.name == "modules.midwatch.dev" || document.name == "stacks.midwatch.dev" ||
            document.name == "namespaces" || document.name == "agents.midwatch.dev") {
          crds.push_back(ParseJson(document.json).value());
        }
      }
    }
    EXPECT_EQ(crds.size(), 4u);
    return manifest::ManifestSchemas::FromCrds(crds).value();
  }();
  return kSchemas;
}

inline api::GitSource TestSource() {
  api::GitSource source;
  source.metadata.name = "infra";
  source.metadata.namespace_name = "midwatch";
  source.metadata.generation = 1;
  source.metadata.finalizers = {"midwatch.dev/gitsource"};
  source.spec.url = "https://git.example/infra.git";
  return source;
}

inline std::string ModuleYaml(const std::string& name, const std::string& display = "DB",
                              const std::string& space = "payments") {
  return "apiVersion: midwatch.dev/v1alpha1\nkind: Module\nmetadata:\n  name: " + name +
         "\n  namespace: " + space + "\nspec:\n  displayName: " + display + "\n";
}

}  // namespace midwatch::gitsource
