#pragma once

#include "controller/apiserver/api.h"
#include "controller/apiserver/token_authenticator.h"
#include "controller/artifacts/artifact_service.h"

namespace midwatch::cmd {

/// Who may read and write which artifacts, by the same tokens as the API: the administrator
/// everything; an Agent the inputs, artifacts and session logs of its Runs, and new content (its
/// name is its digest, so nothing can be replaced). Both references outlive the authoriser.
artifacts::ArtifactAuthorizer MakeArtifactAuthorizer(const apiserver::Api& api,
                                                     const apiserver::TokenAuthenticator& tokens);

}  // namespace midwatch::cmd
