#include "controller/reconcilers/gitsource/fetch_spec.h"

#include <algorithm>

#include "controller/api/names.h"
#include "controller/base/text.h"

namespace midwatch::gitsource {

std::string FetchSpec::Fingerprint() const {
  FetchSpec part = *this;
  part.sync_request.clear();
  part.applied_commit.clear();
  part.timeout = kShortestTimeout;
  return ToJson(part).Dump();
}

FetchSpec FetchSpecFor(const api::GitSource& source, const std::string& installation_namespace) {
  const ObjectMeta& meta = source.metadata;
  FetchSpec out;
  out.namespace_name = meta.namespace_name;
  out.name = meta.name;
  out.url = source.spec.url;
  if (const auto& ref = source.spec.ref) {
    if (!ref->commit.empty()) {
      out.ref_kind = GitRefKind::kCommit;
      out.ref = ref->commit;
    } else {
      out.ref_kind = ref->tag.empty() ? GitRefKind::kBranch : GitRefKind::kTag;
      out.ref = ref->tag.empty() ? ref->branch : ref->tag;
    }
  }
  out.path = source.spec.path;
  out.timeout = std::clamp(source.spec.timeout, kShortestTimeout, kLongestTimeout);
  out.secret = source.spec.secret_ref ? source.spec.secret_ref->name : "";
  if (const auto found = meta.annotations.find(api::annotations::kSyncRequestedAt);
      found != meta.annotations.end()) {
    out.sync_request = Utf8Prefix(found->second, kLongestSyncRequest);
  }
  const bool may_stay = source.spec.failure_policy == api::FailurePolicy::kAtomic;
  out.applied_commit = may_stay && source.status.applied ? source.status.applied->revision : "";
  out.scope.default_namespace = meta.namespace_name;
  out.scope.everywhere = meta.namespace_name == installation_namespace;
  return out;
}

Json ToJson(const FetchSpec& spec) {
  return Json::Of({{"namespace", spec.namespace_name},
                   {"name", spec.name},
                   {"url", spec.url},
                   {"refKind", static_cast<int>(spec.ref_kind)},
                   {"ref", spec.ref},
                   {"path", spec.path},
                   {"timeoutMicros", std::int64_t{spec.timeout.count()}},
                   {"secret", spec.secret},
                   {"syncRequest", spec.sync_request},
                   {"appliedCommit", spec.applied_commit},
                   {"defaultNamespace", spec.scope.default_namespace},
                   {"everywhere", spec.scope.everywhere},
                   {"forget", spec.forget}});
}

FetchSpec FetchSpecFromJson(const Json& json) {
  FetchSpec spec;
  spec.namespace_name = json.At("namespace").AsString();
  spec.name = json.At("name").AsString();
  spec.url = json.At("url").AsString();
  spec.ref_kind = static_cast<GitRefKind>(json.At("refKind").AsInt());
  spec.ref = json.At("ref").AsString();
  spec.path = json.At("path").AsString();
  spec.timeout = Duration{json.At("timeoutMicros").AsInt()};
  spec.secret = json.At("secret").AsString();
  spec.sync_request = json.At("syncRequest").AsString();
  spec.applied_commit = json.At("appliedCommit").AsString();
  spec.scope.default_namespace = json.At("defaultNamespace").AsString();
  spec.scope.everywhere = json.At("everywhere").AsBool();
  spec.forget = json.At("forget").AsBool();
  return spec;
}

}  // namespace midwatch::gitsource
