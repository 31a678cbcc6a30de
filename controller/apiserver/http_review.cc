#include "controller/apiserver/http_review.h"

#include <array>

#include "controller/apiserver/http_route.h"

namespace midwatch::apiserver {
namespace {

constexpr std::array<std::string_view, 8> kVerbs = {
    "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"};

bool MayUse(const Api& api, const Identity& identity, const Json& asked) {
  const std::string& group = asked.At("group").AsString();
  const std::string& plural = asked.At("resource").AsString();
  const ResourceInfo* resource = nullptr;
  for (const auto& each : api.registry().All()) {
    if (each->type.group == group && each->type.plural == plural) {
      resource = each.get();
    }
  }
  if (resource == nullptr) {
    return identity.IsAdministrator();  // Also for `*`.
  }
  const Target target{resource, asked.At("namespace").AsString(), asked.At("name").AsString(),
                      asked.At("subresource").AsString()};
  return api.MayTry(identity, asked.At("verb").AsString(), target);
}

Json AccessStatus(const Api& api, const Identity& identity, const Json& spec) {
  bool allowed = false;
  if (const Json* asked = spec.Find("resourceAttributes"); asked != nullptr) {
    allowed = MayUse(api, identity, *asked);
  } else if (const Json* path = spec.Find("nonResourceAttributes"); path != nullptr) {
    allowed = api.CheckPath(identity, path->At("verb").AsString(), path->At("path").AsString())
                  .has_value();
  }
  return Json::Of({{"allowed", allowed}});
}

Json Rule(Json verbs, std::string_view group, std::string_view resource) {
  return Json::Of({{"verbs", std::move(verbs)},
                   {"apiGroups", Json::ArrayOf({group})},
                   {"resources", Json::ArrayOf({resource})}});
}

Json RulesStatus(const Api& api, const Identity& identity, const std::string& namespace_name) {
  Json rules = Json::EmptyArray();
  Json paths = Json::EmptyArray();
  if (identity.IsAdministrator()) {
    rules.Append(Rule(Json::ArrayOf({"*"}), "*", "*"));
    paths.Append(
        Json::Of({{"verbs", Json::ArrayOf({"*"})}, {"nonResourceURLs", Json::ArrayOf({"*"})}}));
  } else {
    for (const auto& resource : api.registry().All()) {
      for (const std::string_view subresource : {"", "status"}) {
        Json verbs = Json::EmptyArray();
        for (const std::string_view verb : kVerbs) {
          const Target target{resource.get(), resource->type.namespaced ? namespace_name : "", "",
                              std::string(subresource)};
          if (api.MayTry(identity, verb, target)) {
            verbs.Append(verb);
          }
        }
        if (!verbs.Items().empty()) {
          const std::string name =
              resource->type.plural + (subresource.empty() ? "" : "/" + std::string(subresource));
          rules.Append(Rule(std::move(verbs), resource->type.group, name));
        }
      }
    }
  }
  return Json::Of({{"incomplete", false},
                   {"resourceRules", std::move(rules)},
                   {"nonResourceRules", std::move(paths)}});
}

Json WhoStatus(const Identity& identity) {
  Json groups = Json::EmptyArray();
  if (identity.kind == Identity::Kind::kAnonymous) {
    groups.Append("system:unauthenticated");
  } else {
    if (identity.IsAdministrator()) {
      groups.Append("system:masters");
    }
    groups.Append("system:authenticated");
  }
  return Json::Of(
      {{"userInfo", Json::Of({{"username", identity.username}, {"groups", std::move(groups)}})}});
}

}  // namespace

Result<Json> AnswerReview(const Api& api, const Identity& identity, std::string_view plural,
                          Json review) {
  if (!review.IsObject()) {
    return Fail(ErrorCode::kBadRequest, "the body of the request: expected an object");
  }
  for (const ReviewKind& kind : ReviewKinds()) {
    if (kind.plural == plural) {
      review.Set("apiVersion", std::string(kind.group) + "/v1");
      review.Set("kind", kind.kind);
    }
  }
  Json metadata = Json::Of({{"creationTimestamp", nullptr}});
  review.Set("metadata", std::move(metadata));
  if (plural == "selfsubjectreviews") {
    review.Set("status", WhoStatus(identity));
  } else if (plural == "selfsubjectrulesreviews") {
    review.Set("status", RulesStatus(api, identity, review.At("spec", "namespace").AsString()));
  } else {
    review.Set("status", AccessStatus(api, identity, review.At("spec")));
  }
  return review;
}

}  // namespace midwatch::apiserver
