#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/secret.h"
#include "controller/cli/options.h"
#include "controller/env/actor.h"
#include "controller/env/artifact_store.h"
#include "controller/env/clock.h"
#include "controller/env/git_client.h"
#include "controller/env/http_client.h"
#include "controller/env/kube_client.h"
#include "controller/env/process_runner.h"
#include "controller/env/random.h"

namespace midwatch::cli {

/// Standard output or standard error. Any thread; the bytes are out when Write returns.
class Output {
 public:
  virtual ~Output() = default;
  virtual void Write(std::string_view bytes) = 0;
};

/// What the output goes to.
struct Terminal {
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int columns = 80;
};

/// How a command waits: until woken, a signal came or the deadline passed. Wake: any thread, the rest
/// one thread. BlockingWaiter is the production one.
class Waiter : public Waker {
 public:
  virtual void WaitUntil(MonoTime deadline) = 0;
  /// From now on SIGINT, SIGTERM, SIGHUP and SIGQUIT do not end this process but are taken here.
  virtual void CatchSignals() = 0;
  virtual std::optional<int> TakeSignal() = 0;
};

struct LocalFile {
  std::string path;  ///< Below the directory that was walked, with `/`.
  bool is_symlink = false;
};

/// Files of this machine.
class Files {
 public:
  virtual ~Files() = default;
  /// Whole; `-` is standard input. kNotFound; kTooLarge beyond `limit` bytes.
  virtual Result<std::string> Read(const std::string& path, std::size_t limit) = 0;
  virtual bool IsDirectory(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;
  /// All files below a directory, symlinks named and not followed, `.git` left out, sorted by path.
  virtual Result<std::vector<LocalFile>> Walk(const std::string& directory) = 0;
  /// Creates or replaces it, readable by its owner alone.
  virtual Result<void> WritePrivate(const std::string& path, std::string_view bytes) = 0;
};

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

/// Everything that client commands need from outside. cmd/ fills it in; tests use fakes. All references
/// outlive the command.
struct Capabilities {
  Output& out;
  Output& err;
  Terminal terminal;
  std::map<std::string, std::string> environment;
  Clock& clock;
  Random& random;
  Waiter& waiter;
  Files& files;
  ProcessRunner& processes;
  GitClient& git;
  /// Opens the API that the first existing of the candidates describes. Does no I/O beyond reading it.
  std::function<Result<Connection>(const std::vector<std::string>& kubeconfigs)> connect;
  std::function<NewToken(const NameInNamespace& agent)> issue_agent_token;
  std::string version;  ///< `0.1.0`
  std::string commit;   ///< May be empty.
};

}  // namespace midwatch::cli
