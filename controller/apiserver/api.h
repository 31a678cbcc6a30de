#pragma once

#include <memory>
#include <string>

#include "controller/apiserver/authorizer.h"
#include "controller/apiserver/creation_quota.h"
#include "controller/apiserver/requests.h"
#include "controller/apiserver/storage.h"

namespace midwatch::apiserver {

/// The API as its callers see it: authorisation, then storage. What the HTTP routes and
/// LocalKubeClient stand on.
///
/// Reads are answered on the caller's thread, under a shared lock held for a moment, from what is
/// durable. Writes are prepared on the caller's thread and decided by the Storage actor; `done` is
/// called once, before the call returns or later on the storage's thread: queue and return.
/// Thread-safe.
///
/// Errors carry their Kubernetes wording and, where there are some, serialised Status details.
class Api {
 public:
  /// Both outlive it.
  Api(const ResourceRegistry& registry, Storage& storage);

  Result<VersionPtr> Get(const GetCall& call) const;
  Result<ListAnswer> List(const ListCall& call) const;
  void Write(WriteCall call, WriteDone done);
  /// Deletes what the list selects, one by one; the answer is that list. Stops at the first error
  /// but kNotFound.
  void DeleteCollection(ListCall what, DeleteBody how, WriteOptions options,
                        std::function<void(Result<ListAnswer>)> done);
  /// Errors that are known at once (selectors, rights, version) are the Result; later ones end the
  /// watch.
  Result<std::unique_ptr<WatchHandle>> Watch(const WatchCall& call,
                                             std::shared_ptr<WatchSink> sink);
  /// May the identity read or send this path that is no resource (`/metrics`)? kForbidden or
  /// kUnauthorized otherwise.
  Result<void> CheckPath(const Identity& identity, std::string_view verb,
                         std::string_view path) const;
  /// Whether `identity` may do `verb` (get, list, watch, create, update, patch, delete) at all, for
  /// SelfSubjectAccessReview. Rules that look at the object itself count as yes.
  bool MayTry(const Identity& identity, std::string_view verb, const Target& target) const;

  const ResourceRegistry& registry() const { return registry_; }
  std::int64_t Revision() const { return storage_.Revision(); }

 private:
  /// One more of the rule's resource for this Agent, unless it holds a place already.
  Result<void> TakePlaceFor(const AgentRule& rule, const Identity& identity, const Target& target,
                            std::shared_ptr<void>& place);

  const ResourceRegistry& registry_;
  Storage& storage_;
  CreationQuota quota_;
};

/// `{"apiVersion":…,"items":[…],"kind":"WidgetList","metadata":{…}}`, by joining stored bytes.
std::string SerializeList(const ResourceInfo& resource, const ListAnswer& list);

}  // namespace midwatch::apiserver
