#pragma once

#include <string>
#include <vector>

#include "controller/apiserver/requests.h"
#include "controller/object/object.h"

namespace midwatch::apiserver {

// What is checked of a body before it is looked at as an object of its kind.

/// It is an object of the target's apiVersion and kind: kBadRequest otherwise, kInvalid for another
/// kind.
Result<void> CheckType(const ResourceInfo& resource, const Json& body);

/// Its name and namespace are those of the target, or absent; then they are set. An empty target
/// name accepts any.
Result<void> CheckPlace(const Target& target, Json& body);

/// Removes members that the schema does not know, and says so as the caller wants it: an error
/// (kBadRequest; kInvalid on `patch` if the body is the result of one) or warnings.
Result<void> CheckFields(const WriteCall& call, const std::vector<std::string>& duplicates,
                         Json& body, std::vector<std::string>& warnings);

/// The metadata of a body; kBadRequest for members of the wrong type.
Result<ObjectMeta> ReadMeta(const ResourceInfo& resource, const Json& body);

/// Manager and force are what the patch type allows.
Result<void> CheckOptions(const WriteCall& call);

}  // namespace midwatch::apiserver
