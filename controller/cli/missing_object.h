#pragma once

#include <optional>
#include <string>

#include "controller/api/dispatch.h"
#include "controller/cli/api_session.h"

namespace midwatch::cli {

/// What to do about an error of an object that was asked for by its name, as RefuseObject says it.
std::string HintForObject(const Error& error, const ResourceType& type, const std::string& name,
                          ApiSession& session);

/// Context::Refuse for an error about an object that was asked for by its name, in the namespace of
/// the session. If it is not there, the hint says where one of that name is, or which name is near.
int RefuseObject(const Error& error, const ResourceType& type, const std::string& name,
                 Context& context, ApiSession& session);

/// A Dispatch of that name, if the object of another kind that was asked for is not there.
std::optional<api::Dispatch> FindDispatchInstead(const Error& error, const std::string& name,
                                                 ApiSession& session);

}  // namespace midwatch::cli
