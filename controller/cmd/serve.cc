#include "controller/cmd/serve.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/api/embedded_crds.h"
#include "controller/apiserver/http_api.h"
#include "controller/apiserver/http_status.h"
#include "controller/apiserver/local_kube_client.h"
#include "controller/apiserver/storage.h"
#include "controller/apiserver/token_authenticator.h"
#include "controller/artifacts/artifact_service.h"
#include "controller/artifacts/directory_store.h"
#include "controller/base/text.h"
#include "controller/cli/context.h"
#include "controller/cli/exit_codes.h"
#include "controller/cmd/artifact_rights.h"
#include "controller/cmd/data_directory.h"
#include "controller/cmd/driven.h"
#include "controller/cmd/front.h"
#include "controller/cmd/large_bodies.h"
#include "controller/cmd/log_of.h"
#include "controller/cmd/reconciling.h"
#include "controller/cmd/say_error.h"
#include "controller/cmd/stop_signal.h"
#include "controller/http/http_server.h"
#include "controller/manifest/loader.h"
#include "controller/posix/system_clock.h"
#include "controller/posix/system_random.h"
#include "controller/store/sqlite_journal.h"
#include "controller/telemetry/prometheus_metrics.h"

namespace midwatch::cmd {
namespace {

constexpr Duration kStopGrace = std::chrono::seconds(5);
constexpr Duration kRenewEvery = std::chrono::hours(24);  // Of a certificate good for a year.
constexpr std::string_view kTooMuchAtOnce =
    "too many requests, or too large bodies or answers, of this user at once: please try again "
    "later";

/// `127.0.0.1:7443` or `[::1]:7443` in two parts.
struct Listen {
  std::string address;
  std::uint16_t port = 0;

  std::string WithPort(std::uint16_t actual) const {
    const bool v6 = address.find(':') != std::string::npos;
    return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(actual);
  }
};

Result<Listen> ParseListen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  int port = -1;
  if (colon != std::string::npos) {
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + colon + 1, last, port);
    port = error == std::errc{} && end == last ? port : -1;
  }
  if (port < 0 || port > 65'535 || colon == 0) {
    return Fail(ErrorCode::kInvalid, "--listen: " + Quote(text) + ": expected ADDRESS:PORT");
  }
  std::string address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  return Listen{std::move(address), static_cast<std::uint16_t>(port)};
}

Result<apiserver::ResourceRegistry> BuildRegistry() {
  std::vector<std::string_view> documents;
  for (const auto& group : {api::EmbeddedCoreCrds(), api::EmbeddedCrds()}) {
    for (const api::EmbeddedDocument& document : group) {
      documents.push_back(document.json);
    }
  }
  return apiserver::ResourceRegistry::Build(documents);
}

/// A request's body that is YAML, by the rules of manifests.
Result<ParsedJson> ReadYaml(std::string_view text) {
  manifest::LoadedYaml loaded = manifest::LoadYaml("body", text);
  if (!loaded.errors.empty()) {
    return Fail(ErrorCode::kBadRequest, loaded.errors.front().ToString());
  }
  return ParsedJson{.value = std::move(loaded.body), .duplicates = {}};
}

/// Connections are descriptors: as many as the system gives this process, but for those that files
/// and workers need.
void FitToDescriptors(http::ServerLimits& limits) {
  constexpr rlim_t kOthers = 128;
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  const rlim_t left = std::max(descriptors.rlim_cur, 2 * kOthers) - kOthers;
  limits.connections = std::min<std::size_t>(limits.connections, left);
  limits.connections_per_peer = std::min(limits.connections_per_peer, limits.connections);
  limits.requests_per_caller = std::min(limits.requests_per_caller, limits.connections / 2);
  limits.streams_per_caller = std::min(limits.streams_per_caller, limits.connections / 4);
}

/// What an outcome that nobody knows leads to: the process ends and recovers at the next start.
void EndAtOnce(const Error& why) {
  std::fprintf(stderr, "midwatch: the storage failed, restart to recover: %s\n",
               why.message.c_str());
  ::_exit(1);
}

/// Everything that serves, in the order in which it is started; stopped in the opposite one.
class Server {
 public:
  explicit Server(cli::ServeOptions options) : options_(std::move(options)) {}

  Result<void> Start() {
    MIDWATCH_ASSIGN(const Listen listen, ParseListen(options_.listen));
    MIDWATCH_ASSIGN(log_, OpenLog(options_.log, clock_));
    MIDWATCH_TRY(OpenStorage());
    MIDWATCH_TRY(OpenArtifacts());
    MIDWATCH_TRY(OpenHttp(listen));
    MIDWATCH_ASSIGN(reconciling_,
                    Reconciling::Start({*client_, clock_, random_, *log_, metrics_},
                                       {.git_directory = data_->Git(),
                                        .installation_namespace = options_.installation_namespace,
                                        .allow_file_urls = options_.allow_file_urls}));
    log_->Info("ready",
               {{"address", listen.WithPort(http_->port())}, {"kubeconfig", data_->Kubeconfig()}});
    return {};
  }

  /// However long it runs, who connects sees a certificate that is far from its end.
  void RenewCertificate() {
    const auto made = data_->ServerCertificate(names_, clock_.Read().wall);
    const auto renewed = made ? http_->ReplaceCertificate(*made) : Result<void>(Fail(made.error()));
    if (!renewed) {
      log_->Fault("the server's certificate was not renewed", {{"error", renewed.error().message}});
    }
  }

  void Stop() {
    log_->Info("stopping");
    reconciling_.reset();
    http_->Stop(kStopGrace);
    large_bodies_.Stop();
    deadlines_.Stop();
    storage_.Stop();
  }

  Log* log() { return log_.get(); }

 private:
  Result<void> OpenStorage() {
    MIDWATCH_ASSIGN(auto data, DataDirectory::Open(options_.data, clock_, random_));
    data_.emplace(std::move(data));
    MIDWATCH_ASSIGN(journal_, store::SqliteJournal::Open({.path = data_->Database()}));
    MIDWATCH_ASSIGN(auto registry, BuildRegistry());
    registry_ = std::make_unique<apiserver::ResourceRegistry>(std::move(registry));
    storage_random_ = random_.Fork("storage");
    apiserver::StorageOptions storage_options;
    storage_options.on_fatal = EndAtOnce;
    storage_.Make(apiserver::StorageWorld{.registry = *registry_,
                                          .journal = *journal_,
                                          .clock = clock_,
                                          .random = *storage_random_,
                                          .log = *log_,
                                          .metrics = metrics_,
                                          .waker = storage_.signal()},
                  storage_options);
    MIDWATCH_TRY(storage_->Open());
    storage_.Run(clock_);
    api_.emplace(*registry_, *storage_);
    client_.emplace(*api_, apiserver::Identity::Controller());
    return {};
  }

  Result<void> OpenArtifacts() {
    MIDWATCH_ASSIGN(artifacts_, artifacts::DirectoryStore::Open(data_->Artifacts()));
    return {};
  }

  Result<void> OpenHttp(const Listen& listen) {
    tokens_.emplace(*storage_, *registry_, data_->administrator());
    deadlines_.Make(clock_, deadlines_.signal());
    deadlines_.Run(clock_);
    http_api_.emplace(apiserver::HttpApiParts{.api = *api_,
                                              .tokens = *tokens_,
                                              .clock = clock_,
                                              .deadlines = *deadlines_,
                                              .yaml = ReadYaml,
                                              .metrics = [this] { return metrics_.Text(); }});
    rights_.emplace(*api_, *tokens_, *artifacts_);
    service_.emplace(artifacts::ArtifactService::Ports{
        .store = *artifacts_,
        .authorize = [this](const auto& access, auto done) { done(rights_->Check(access)); },
        .search =
            [this](std::string prefix, std::string text, std::size_t limit, auto done) {
              artifacts_->Search(std::move(prefix), std::move(text), limit, std::move(done));
            },
        .foresee = [this](const auto& access) { return rights_->Check(access); },
        .stored = [this](const auto& access) { rights_->NoteUpload(access); }});
    large_bodies_.Make(large_bodies_.signal());
    large_bodies_.Run(clock_);
    front_.emplace(Front::Parts{*tokens_, *http_api_, *service_, *large_bodies_});
    names_ = options_.tls_sans;
    names_.insert(names_.begin(), {listen.address, "127.0.0.1", "localhost"});
    MIDWATCH_ASSIGN(auto certificate, data_->ServerCertificate(names_, clock_.Read().wall));
    http::ServerOptions server_options;
    server_options.address = listen.address;
    server_options.port = listen.port;
    server_options.tls = std::move(certificate);
    FitToDescriptors(server_options.limits);
    server_options.share_used_up =
        apiserver::StatusAnswer({ErrorCode::kTooManyRequests, std::string(kTooMuchAtOnce)});
    MIDWATCH_ASSIGN(http_, http::HttpServer::Start(server_options, *front_, *log_, metrics_));
    return data_->WriteKubeconfig(listen.WithPort(http_->port()));
  }

  const cli::ServeOptions options_;
  posix::SystemClock clock_;
  posix::SystemRandom random_;
  telemetry::PrometheusMetrics metrics_;
  std::unique_ptr<Log> log_;
  std::optional<DataDirectory> data_;
  std::vector<std::string> names_;  // Of the certificate.
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<apiserver::ResourceRegistry> registry_;
  std::unique_ptr<Random> storage_random_;
  Driven<apiserver::Storage> storage_{"storage"};
  std::optional<apiserver::Api> api_;
  std::optional<apiserver::LocalKubeClient> client_;
  std::unique_ptr<artifacts::DirectoryStore> artifacts_;
  std::optional<apiserver::TokenAuthenticator> tokens_;
  Driven<apiserver::WatchDeadlines> deadlines_{"watch-deadlines"};
  std::optional<apiserver::HttpApi> http_api_;
  std::optional<ArtifactRights> rights_;
  std::optional<artifacts::ArtifactService> service_;
  Driven<LargeBodies> large_bodies_{"large-bodies"};
  std::optional<Front> front_;
  std::unique_ptr<http::HttpServer> http_;
  std::unique_ptr<Reconciling> reconciling_;
};

}  // namespace

int RunServe(const cli::ServeOptions& options) {
  ::umask(S_IRWXG | S_IRWXO);  // What it keeps is nobody else's to read, nor what its workers do.
  StopSignal stop;
  Server server(options);
  if (const auto started = server.Start(); !started) {
    const Error& why = started.error();
    SayError(why.message, why.code == ErrorCode::kUnavailable
                              ? "another server has it: choose another --listen or --data"
                              : cli::HintFor(why));
    return ParseListen(options.listen) ? cli::kExitFailed : cli::kExitUsage;
  }
  while (stop.WaitFor(kRenewEvery) == 0) {
    server.RenewCertificate();
  }
  server.Stop();
  return 0;
}

}  // namespace midwatch::cmd
