#include "controller/manifest/test_schemas.h"

#include <gtest/gtest.h>

#include "controller/api/embedded_document.h"

namespace midwatch::manifest {

const ManifestSchemas& TestSchemas() {
  static const ManifestSchemas kSchemas = [] {
    Result<ManifestSchemas> schemas = ManifestSchemas::FromCrds(api::EmbeddedDefinitions());
    EXPECT_TRUE(schemas) << (schemas ? "" : schemas.error().message);
    return schemas ? *std::move(schemas) : ManifestSchemas();
  }();
  return kSchemas;
}

TEST(ManifestSchemasTest, FindsKindsByVersionAndByResource) {
  const ManifestKind* module = TestSchemas().Find("midwatch.dev/v1alpha1", "Module");
  ASSERT_NE(module, nullptr);
  EXPECT_EQ(module->type.Resource(), "modules.midwatch.dev");
  EXPECT_TRUE(module->type.namespaced);
  EXPECT_EQ(TestSchemas().FindResource("modules.midwatch.dev"), module);
  ASSERT_NE(TestSchemas().Find("v1", "Namespace"), nullptr);
  EXPECT_FALSE(TestSchemas().Find("v1", "Namespace")->type.namespaced);
  EXPECT_EQ(TestSchemas().Find("midwatch.dev/v1", "Module"), nullptr);
  EXPECT_EQ(TestSchemas().FindResource("widgets"), nullptr);
}

TEST(ManifestSchemasTest, NamesTheDefinitionThatCannotBeUsed) {
  const Json crd = Json::Of(
      {{"metadata", Json::Of({{"name", "widgets.example.com"}})},
       {"spec",
        Json::Of(
            {{"versions", Json::ArrayOf({Json::Of(
                              {{"name", "v1"},
                               {"schema", Json::Of({{"openAPIV3Schema",
                                                     Json::Of({{"type", "nonsense"}})}})}})})}})}});
  const auto schemas = ManifestSchemas::FromCrds({crd});
  ASSERT_FALSE(schemas);
  EXPECT_EQ(schemas.error().message.find("widgets.example.com: "), 0U) << schemas.error().message;
}

}  // namespace midwatch::manifest
