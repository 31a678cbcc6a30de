#pragma once

#include <string>
#include <vector>

#include "controller/cli/capabilities.h"
#include "controller/kube/http_kube_client.h"

namespace midwatch::cmd {

/// An API with its artifact service, as the first existing one of these kubeconfigs says. Does no
/// more than reading files. kNotFound: none of them exists.
Result<cli::Connection> Connect(const std::vector<std::string>& kubeconfigs,
                                const kube::HttpKubeClientOptions& options = {});

}  // namespace midwatch::cmd
