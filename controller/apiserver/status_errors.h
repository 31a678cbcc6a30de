#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/base/result.h"
#include "controller/object/resource_type.h"
#include "controller/schema/field_error.h"

namespace midwatch::apiserver {

// The errors of the API in Kubernetes' wording, with their Status details.

Error NotFoundError(const ResourceType& type, std::string_view name);
Error AlreadyExistsError(const ResourceType& type, std::string_view name, bool being_deleted);
/// The resourceVersion is not the present one.
Error ModifiedError(const ResourceType& type, std::string_view name);
/// An apply names the UID of an object, and there is none.
Error AbsentError(const ResourceType& type, std::string_view name, std::string_view uid);
/// A precondition on UID or version failed.
Error PreconditionError(const ResourceType& type, std::string_view name, std::string_view text);
Error ForbiddenWriteError(const ResourceType& type, std::string_view name, std::string_view why,
                          std::string_view cause = {});
/// A version that lies in the future: kTimeout, to be asked again in a second.
Error TooLargeVersionError(std::int64_t asked, std::int64_t current);
/// `CreateOptions.meta.k8s.io "" is invalid: …`
Error InvalidOptions(std::string_view kind, const schema::FieldError& error);

/// A resourceVersion of a request; kBadRequest if it is no decimal number.
Result<std::int64_t> ParseVersion(std::string_view text);

}  // namespace midwatch::apiserver
