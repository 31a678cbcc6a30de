#pragma once

#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch::apiserver {

/// Strategic merge patch for the core kinds: RFC 7386 with the directives `$patch` (replace,
/// delete, merge), `$retainKeys`, `$setElementOrder/…` (accepted, without effect) and
/// `$deleteFromPrimitiveList/…`, and lists merged by key where those kinds have them:
/// metadata.ownerReferences by uid, metadata.finalizers as a set, status.conditions by type.
/// kBadRequest: a directive that is none.
/// https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
Result<Json> ApplyStrategicMerge(Json target, const Json& patch);

}  // namespace midwatch::apiserver
