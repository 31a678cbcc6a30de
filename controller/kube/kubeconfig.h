#pragma once

#include <string>

#include "controller/base/result.h"
#include "controller/base/secret.h"
#include "controller/object/json.h"

namespace midwatch::kube {

/// How to reach an API: what one context of a kubeconfig says.
struct Kubeconfig {
  std::string server;                 ///< `https://127.0.0.1:7443`
  std::string authorities = {};       ///< PEM of the certificate authorities.
  std::string authorities_file = {};  ///< Or where they are, relative to the kubeconfig.
  Secret<std::string> token = {};
  std::string token_file = {};      ///< Or where it is.
  std::string namespace_name = {};  ///< Empty: `default`.
};

/// A kubeconfig with one context, as JSON, which is YAML: what clients of all sorts read.
std::string WriteKubeconfig(const Kubeconfig& config, const std::string& context = "midwatch");

/// The context of that name, or the current one if empty, of a kubeconfig that was read from YAML
/// or JSON. Client certificates, passwords, plugins, proxies and skipped verification are refused
/// by name (kInvalid).
Result<Kubeconfig> ReadKubeconfig(const Json& document, const std::string& context = {});

}  // namespace midwatch::kube
