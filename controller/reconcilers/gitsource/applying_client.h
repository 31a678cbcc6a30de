#pragma once

#include <memory>
#include <utility>

#include "controller/manifest/manifest_schemas.h"
#include "controller/schema/field_manager.h"
#include "controller/testing/fake_kube_client.h"

namespace midwatch::gitsource {

/// A FakeKubeClient whose server-side applies own fields, as those of an API server do. They show
/// in its calls as creates and updates.
class ApplyingClient final : public KubeClient {
 public:
  ApplyingClient(fakes::FakeKubeClient& inner, const manifest::ManifestSchemas& schemas)
      : inner_(inner), schemas_(schemas) {}

  void Patch(PatchRequest request, Completion<Object> done) override {
    const manifest::ManifestKind* kind = schemas_.FindResource(request.type.Resource());
    if (request.patch_type != PatchType::kApply || kind == nullptr) {
      return inner_.Patch(std::move(request), std::move(done));
    }
    const Object live =
        inner_.Find({request.type.Resource(), request.namespace_name, request.name});
    Json& metadata = request.patch["metadata"];
    const std::string version = metadata.At("resourceVersion").AsString();
    if (!version.empty() && (!live || live.resource_version() != version)) {
      return done(Fail(ErrorCode::kConflict, "the object has changed"));
    }
    metadata.Erase("uid");
    metadata.Erase("resourceVersion");
    const Json before = live ? live.Body() : Json();
    const schema::FieldWriter writer{.manager = request.field_manager,
                                     .api_version = request.type.ApiVersion(),
                                     .subresource = {},
                                     .has_status_subresource = kind->has_status,
                                     .now = {}};
    Result<Json> after = schema::ApplyConfiguration(kind->schema, live ? &before : nullptr,
                                                    request.patch, writer, request.force);
    if (!after) {
      return done(Fail(after.error()));
    }
    kind->schema.Prune(*after);
    kind->schema.ApplyDefaults(*after);
    if (!live) {
      return inner_.Create({.type = request.type, .object = *std::move(after), .field_manager = {}},
                           std::move(done));
    }
    if (schema::SameForStorage(before, *after)) {
      return done(live);
    }
    inner_.Update(
        {.type = request.type, .object = *std::move(after), .subresource = {}, .field_manager = {}},
        std::move(done));
  }

  void Get(GetRequest request, Completion<Object> done) override {
    inner_.Get(std::move(request), std::move(done));
  }
  void List(ListRequest request, Completion<ListResponse> done) override {
    inner_.List(std::move(request), std::move(done));
  }
  void Create(CreateRequest request, Completion<Object> done) override {
    inner_.Create(std::move(request), std::move(done));
  }
  void Update(UpdateRequest request, Completion<Object> done) override {
    inner_.Update(std::move(request), std::move(done));
  }
  void Delete(DeleteRequest request, Completion<Object> done) override {
    inner_.Delete(std::move(request), std::move(done));
  }
  std::unique_ptr<WatchHandle> Watch(WatchRequest request,
                                     std::shared_ptr<WatchSink> sink) override {
    return inner_.Watch(std::move(request), std::move(sink));
  }

 private:
  fakes::FakeKubeClient& inner_;
  const manifest::ManifestSchemas& schemas_;
};

}  // namespace midwatch::gitsource
