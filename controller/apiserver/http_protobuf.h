#pragma once

#include <string_view>

#include "controller/base/result.h"
#include "controller/object/json.h"

namespace midwatch::apiserver {

/// Decodes a body of `application/vnd.kubernetes.protobuf`: the envelope `k8s\0` and
/// runtime.Unknown, and in it one of the core kinds that clients send so (kubectl from 1.32, Helm,
/// client-go): Namespace, ConfigMap, Secret, Event, Lease, DeleteOptions and the reviews of the
/// caller. Gives what the JSON of the same object would be; unknown fields are skipped.
///
/// kUnsupportedMediaType: another kind. kBadRequest: malformed.
Result<Json> DecodeProtobuf(std::string_view body);

}  // namespace midwatch::apiserver
