#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/cli/api_session.h"
#include "controller/object/resource_type.h"

namespace midwatch::cli {

/// One resource as discovery tells it.
struct CatalogueEntry {
  ResourceType type;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  std::vector<std::string> verbs;

  /// `module.midwatch.dev`, `secret`: the start of `-o name`.
  std::string KindName() const;
};

/// What the server serves. Immutable.
class ResourceCatalogue {
 public:
  /// Reads the aggregated discovery documents (Kubernetes 1.27 and newer have them).
  static Result<ResourceCatalogue> Load(ApiSession& session);
  static Result<ResourceCatalogue> FromDocuments(const Json& core, const Json& groups);

  /// By plural, singular, short name or kind, case ignored; also `plural.group`. A category gives
  /// all of it. kNotFound says what is near.
  Result<std::vector<const CatalogueEntry*>> Resolve(const std::string& word) const;
  /// Exactly one; a category is kInvalid.
  Result<const CatalogueEntry*> ResolveOne(const std::string& word) const;
  const CatalogueEntry* FindKind(std::string_view api_version, std::string_view kind) const;

 private:
  std::vector<CatalogueEntry> entries_;  // Core group first, then ours, then the others.
};

/// What to do after SelectObjects has failed.
inline constexpr std::string_view kHintForTypes =
    "midwatch get midwatch -A shows what was declared, midwatch-all the rest";

/// Which objects a command line names: `TYPE[,TYPE…] [NAME…]` or `TYPE/[NAMESPACE/]NAME…`.
struct Selected {
  const CatalogueEntry* entry = nullptr;
  std::string namespace_name;      ///< Of the session if the words say none; empty: cluster-scoped.
  std::vector<std::string> names;  ///< Empty: all.
};
Result<std::vector<Selected>> SelectObjects(const ResourceCatalogue& catalogue,
                                            const std::vector<std::string>& words,
                                            const ApiSession& session);

/// `/apis/midwatch.dev/v1alpha1/namespaces/payments/modules/database`. Without a namespace: of all;
/// without a name: the collection.
std::string PathOf(const ResourceType& type, std::string_view namespace_name,
                   std::string_view name = {});

}  // namespace midwatch::cli
