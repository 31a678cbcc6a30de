#include "controller/cli/world_view.h"

#include "controller/reconcilers/dispatch/dispatch_index.h"
#include "controller/reconcilers/dispatch/dispatch_reconciler.h"
#include "controller/reconcilers/matching/matching_reconciler.h"

namespace midwatch::cli {

Result<void> WorldView::LoadForDispatch(ApiSession& session, Now now) {
  return Load(session, now, dispatch::Resources(), dispatch::IndexDefinitions());
}

Result<void> WorldView::LoadForMatching(ApiSession& session, Now now) {
  return Load(session, now, matching::Resources(), {});
}

Result<void> WorldView::Load(ApiSession& session, Now now, const std::vector<ResourceType>& types,
                             const std::vector<IndexDefinition>& indexes) {
  for (const ResourceType& type : types) {
    view_.Add(type);
  }
  for (const IndexDefinition& index : indexes) {
    view_.Define(index);
  }
  for (const ResourceType& type : types) {
    MIDWATCH_ASSIGN(const auto objects, session.List({.type = type,
                                                      .namespace_name = {},
                                                      .label_selector = {},
                                                      .field_selector = {},
                                                      .continue_token = {},
                                                      .resource_version = {}}));
    Index& index = view_.GetIndex(type.Resource());
    for (const Object& object : objects) {
      index.Upsert(object, now);
    }
  }
  return {};
}

}  // namespace midwatch::cli
