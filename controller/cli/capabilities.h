#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/secret.h"
#include "controller/cli/options.h"
#include "controller/env/artifact_store.h"
#include "controller/env/clock.h"
#include "controller/env/git_client.h"
#include "controller/env/http_client.h"
#include "controller/env/kube_client.h"
#include "controller/env/local_files.h"
#include "controller/env/process_runner.h"
#include "controller/env/random.h"
#include "controller/env/terminal.h"
#include "controller/env/waiter.h"

namespace midwatch::cli {

/// An API and its artifact service, as one caller with their credentials.
struct Connection {
  std::shared_ptr<KubeClient> kube;
  std::shared_ptr<HttpClient> http;  ///< Of the same server, for discovery and Tables.
  std::shared_ptr<ArtifactStore> artifacts;
  std::string server;          ///< `https://127.0.0.1:7443`
  std::string ca_pem;          ///< What the server's certificate is checked against.
  std::string namespace_name;  ///< Of the kubeconfig's context; empty: none.
};

/// A token as it is handed out, once, and the Secret to be stored in its place.
struct NewToken {
  Secret<std::string> token;
  Json secret;
};

/// Everything that client commands need from outside. cmd/ fills it in; tests use fakes. All
/// references outlive the command.
struct Capabilities {
  Output& out;
  Output& err;
  Terminal terminal;
  std::map<std::string, std::string> environment;
  Clock& clock;
  Random& random;
  Waiter& waiter;
  LocalFiles& files;
  ProcessRunner& processes;
  GitClient& git;
  /// Opens the API that the first existing of the candidates describes. Does no I/O beyond reading
  /// it.
  std::function<Result<Connection>(const std::vector<std::string>& kubeconfigs)> connect;
  std::function<NewToken(const Object& agent)> issue_agent_token;
  std::string version;  ///< `0.1.0`
  std::string commit;   ///< May be empty.
};

}  // namespace midwatch::cli
