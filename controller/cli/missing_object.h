#pragma once

#include <string>

#include "controller/cli/api_session.h"

namespace midwatch::cli {

/// Context::Refuse for an error about an object that was asked for by its name, in the namespace of
/// the session. If it is not there, the hint says where one of that name is, or which name is near.
int RefuseObject(const Error& error, const ResourceType& type, const std::string& name,
                 Context& context, ApiSession& session);

}  // namespace midwatch::cli
