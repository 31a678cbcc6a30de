#include "controller/apiserver/local_kube_client.h"

#include <utility>

namespace midwatch::apiserver {
namespace {

class NoWatch final : public WatchHandle {};

WriteDone ObjectOnly(Completion<Object> done) {
  return [done = std::move(done)](Result<WriteAnswer> answer) {
    if (answer) {
      done(std::move(answer->object));
    } else {
      done(Fail(std::move(answer).error()));
    }
  };
}

}  // namespace

Result<Target> LocalKubeClient::TargetOf(const ResourceType& type, std::string namespace_name,
                                         std::string name, std::string subresource) const {
  const ResourceInfo* resource = api_.registry().Find(type);
  if (resource == nullptr) {
    return Fail(ErrorCode::kNotFound, "the server could not find the requested resource " +
                                          type.Resource() + " in " + type.ApiVersion());
  }
  return Target{.resource = resource,
                .namespace_name = std::move(namespace_name),
                .name = std::move(name),
                .subresource = std::move(subresource)};
}

void LocalKubeClient::Get(GetRequest request, Completion<Object> done) {
  auto target = TargetOf(request.type, request.namespace_name, request.name);
  if (!target) {
    return done(Fail(std::move(target).error()));
  }
  auto found = api_.Get({.identity = identity_, .target = *std::move(target)});
  done(found ? Result<Object>((*found)->object()) : Fail(std::move(found).error()));
}

void LocalKubeClient::List(ListRequest request, Completion<ListResponse> done) {
  auto target = TargetOf(request.type, request.namespace_name, {});
  if (!target) {
    return done(Fail(std::move(target).error()));
  }
  auto list = api_.List({.identity = identity_,
                         .target = *std::move(target),
                         .label_selector = std::move(request.label_selector),
                         .field_selector = std::move(request.field_selector),
                         .limit = request.limit,
                         .continue_token = std::move(request.continue_token),
                         .resource_version = std::move(request.resource_version)});
  if (!list) {
    return done(Fail(std::move(list).error()));
  }
  ListResponse response;
  response.items.reserve(list->items.size());
  for (const VersionPtr& item : list->items) {
    response.items.push_back(item->object());
  }
  response.resource_version = std::to_string(list->revision);
  response.continue_token = std::move(list->continue_token);
  done(std::move(response));
}

void LocalKubeClient::Create(CreateRequest request, Completion<Object> done) {
  auto target = TargetOf(request.type, request.object.At("metadata", "namespace").AsString(), {});
  if (!target) {
    return done(Fail(std::move(target).error()));
  }
  api_.Write(
      {.identity = identity_,
       .target = *std::move(target),
       .body = CreateBody{.object = std::move(request.object), .duplicates = {}},
       .options = {.field_manager = std::move(request.field_manager), .dry_run = request.dry_run}},
      ObjectOnly(std::move(done)));
}

void LocalKubeClient::Update(UpdateRequest request, Completion<Object> done) {
  const Json& meta = request.object.At("metadata");
  auto target = TargetOf(request.type, meta.At("namespace").AsString(), meta.At("name").AsString(),
                         std::move(request.subresource));
  if (!target) {
    return done(Fail(std::move(target).error()));
  }
  api_.Write(
      {.identity = identity_,
       .target = *std::move(target),
       .body = UpdateBody{.object = std::move(request.object), .duplicates = {}},
       .options = {.field_manager = std::move(request.field_manager), .dry_run = request.dry_run}},
      ObjectOnly(std::move(done)));
}

void LocalKubeClient::Patch(PatchRequest request, Completion<Object> done) {
  auto target = TargetOf(request.type, std::move(request.namespace_name), std::move(request.name),
                         std::move(request.subresource));
  if (!target) {
    return done(Fail(std::move(target).error()));
  }
  api_.Write(
      {.identity = identity_,
       .target = *std::move(target),
       .body = PatchBody{.type = request.patch_type,
                         .patch = std::move(request.patch),
                         .force = request.force,
                         .duplicates = {}},
       .options = {.field_manager = std::move(request.field_manager), .dry_run = request.dry_run}},
      ObjectOnly(std::move(done)));
}

void LocalKubeClient::Delete(DeleteRequest request, Completion<Object> done) {
  auto target = TargetOf(request.type, std::move(request.namespace_name), std::move(request.name));
  if (!target) {
    return done(Fail(std::move(target).error()));
  }
  api_.Write({.identity = identity_,
              .target = *std::move(target),
              .body = DeleteBody{.preconditions = std::move(request.preconditions),
                                 .propagation_policy = std::move(request.propagation_policy)},
              .options = {.field_manager = {}, .dry_run = request.dry_run}},
             ObjectOnly(std::move(done)));
}

std::unique_ptr<WatchHandle> LocalKubeClient::Watch(WatchRequest request,
                                                    std::shared_ptr<WatchSink> sink) {
  auto target = TargetOf(request.type, std::move(request.namespace_name), {});
  if (!target) {
    sink->OnEnd(target.error());
    return std::make_unique<NoWatch>();
  }
  auto handle = api_.Watch({.identity = identity_,
                            .target = *std::move(target),
                            .label_selector = std::move(request.label_selector),
                            .field_selector = std::move(request.field_selector),
                            .resource_version = std::move(request.resource_version),
                            .bookmarks = true},
                           sink);
  if (!handle) {
    sink->OnEnd(handle.error());
    return std::make_unique<NoWatch>();
  }
  return *std::move(handle);
}

}  // namespace midwatch::apiserver
