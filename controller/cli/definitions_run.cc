#include <memory>

#include "controller/cli/definition.h"

namespace midwatch::cli {
namespace {

void AddLogParameters(LogOptions& log, std::vector<Parameter>& parameters) {
  parameters.push_back({.names = "--log-level",
                        .value = "LEVEL",
                        .help = "Least level that is logged: debug, info, warn or error",
                        .set = OneOf(log.level, {"debug", "info", "warn", "error"}),
                        .default_text = "info"});
  parameters.push_back({.names = "--log-format",
                        .value = "FORMAT",
                        .help = "text or json",
                        .set = OneOf(log.format, {"text", "json"}),
                        .default_text = "text"});
}

Definition Serve() {
  auto o = std::make_shared<ServeOptions>();
  Definition d{
      .path = "serve",
      .chapter = Chapter::kRun,
      .summary = "Run API, controllers and artifact service in one process",
      .details =
          "Keeps everything in one directory: the database, artifacts, its own CA, and "
          "DIR/kubeconfig (mode 0600) with the administrator's token. Listens on loopback with "
          "TLS unless told otherwise. A second server on the same directory is refused.\n\n"
          "SIGTERM and SIGINT stop it gracefully.",
      .parameters = {{.names = "--data",
                      .value = "DIR",
                      .help = "Data directory; made if it is missing",
                      .set = Into(o->data),
                      .default_text = o->data},
                     {.names = "--listen",
                      .value = "ADDRESS:PORT",
                      .help = "Where to listen; port 0 takes a free one",
                      .set = Into(o->listen),
                      .default_text = o->listen},
                     {.names = "--tls-san",
                      .value = "NAME",
                      .help = "One more host name or address in the server's certificate",
                      .set = Into(o->tls_sans),
                      .repeated = true},
                     {.names = "--installation-namespace",
                      .value = "NAMESPACE",
                      .help = "Namespace whose GitSources may write everywhere",
                      .set = IntoNamespace(o->installation_namespace),
                      .default_text = o->installation_namespace},
                     {.names = "--allow-file-urls",
                      .help = "GitSources may read repositories of this machine (file://)",
                      .set = Into(o->allow_file_urls)}},
      .examples = {{"midwatch serve --data /var/lib/midwatch", "A server for this machine"},
                   {"midwatch serve --data DIR --listen 0.0.0.0:7443 --tls-san ops.example.com",
                    "One that others reach"}},
      .exit_codes = {"`0`: it was told to stop", "`1`: the storage failed while it ran",
                     "`2`: wrong command line", "`3`: it could not start"},
      .take = [o] { return Command(*o); }};
  AddLogParameters(o->log, d.parameters);
  return d;
}

Definition Agent() {
  auto o = std::make_shared<AgentOptions>();
  Definition d{
      .path = "agent",
      .chapter = Chapter::kRun,
      .summary = "Work for an Agent on this machine",
      .details =
          "Registers an AgentInstance, renews its Lease, and starts the sidecars of the Runs "
          "that are given to it. SIGTERM drains: nothing new is taken, what runs may finish "
          "within the time of --drain.",
      .parameters =
          {{.names = "--agent",
            .value = "NAMESPACE/NAME",
            .help = "The Agent to work for",
            .set = Into(o->agent),
            .required = true},
           {.names = "--config",
            .value = "FILE",
            .help = "Sidecars of this machine (docs/reference/agent-config.md)",
            .set = Into(o->config),
            .required = true},
           {.names = "--kubeconfig",
            .value = "FILE",
            .help = "Made by midwatch agent token; without it $KUBECONFIG, then ~/.kube/config",
            .set = Into(o->kubeconfig)},
           {.names = "--data",
            .value = "DIR",
            .help = "Working directories and sockets of the sessions",
            .set = Into(o->data),
            .default_text = o->data},
           {.names = "--drain",
            .value = "DURATION",
            .help = "How long running work gets after SIGTERM",
            .set = Into(o->drain),
            .default_text = "30s"}},
      .examples = {{"midwatch agent --agent ai/diagnoser --config agent.yaml --kubeconfig "
                    "agent.kubeconfig",
                    "One process of Agent ai/diagnoser"}},
      .exit_codes = {"`0`: it was told to stop", "`2`: wrong command line",
                     "`3`: it could not start"},
      .take = [o] { return Command(*o); }};
  AddLogParameters(o->log, d.parameters);
  return d;
}

Definition AgentToken() {
  auto o = std::make_shared<AgentTokenOptions>();
  Definition d{
      .path = "agent token",
      .chapter = Chapter::kRun,
      .summary = "Make a token for the processes of an Agent",
      .details =
          "The token may do what the Agent's processes must, and nothing else. It is shown "
          "once: the server keeps a hash of it in a Secret. Deleting that Secret revokes it.",
      .parameters = {{.names = "NAMESPACE/NAME",
                      .help = "The Agent",
                      .set = Into(o->agent),
                      .required = true},
                     {.names = "--token-only",
                      .help = "Print the token alone instead of a kubeconfig",
                      .set = Into(o->token_only)},
                     {.names = "-f,--file",
                      .value = "FILE",
                      .help = "Write it there (mode 0600) instead of printing it",
                      .set = Into(o->file)}},
      .examples = {{"midwatch agent token ai/diagnoser --file agent.kubeconfig",
                    "A kubeconfig for midwatch agent"}},
      .take = [o] { return Command(ClientCommand(*o)); }};
  for (Parameter& parameter : ClientParameters(o->client, false)) {
    d.parameters.push_back(std::move(parameter));
  }
  return d;
}

Definition Mcp() {
  auto o = std::make_shared<McpOptions>();
  return {.path = "mcp",
          .chapter = Chapter::kRun,
          .summary = "Be the MCP server of one session (started by a sidecar)",
          .details =
              "Passes messages between standard input and output and the socket of the agent's "
              "session. The session's ticket is read from $MIDWATCH_TICKET.",
          .parameters = {{.names = "--socket",
                          .value = "PATH",
                          .help = "Socket of the session",
                          .set = Into(o->socket),
                          .required = true}},
          .exit_codes = {"`0`: the session has ended", "`1`: there is no such session",
                         "`2`: wrong command line"},
          .take = [o] { return Command(*o); }};
}

Definition ScriptedSidecar() {
  auto o = std::make_shared<ScriptedSidecarOptions>();
  return {.path = "sidecar scripted",
          .chapter = Chapter::kRun,
          .summary = "Be the sidecar that works by rules: no model, no key, no network",
          .details =
              "Speaks the Agent Client Protocol on standard input and output. It derives its "
              "result from the job's log and plan by rules, or plays a transcript, and says so.",
          .parameters = {{.names = "--rules",
                          .value = "DIR",
                          .help = "Rule files instead of the built-in ones",
                          .set = Into(o->rules)},
                         {.names = "--transcript",
                          .value = "FILE",
                          .help = "Play this transcript instead of rules",
                          .set = Into(o->transcript)}},
          .exit_codes = {"`0`: its input has ended", "`1`: it could not start",
                         "`2`: wrong command line"},
          .take = [o] { return Command(*o); }};
}

Definition GitWorker() {
  return {.path = "git-worker",
          .chapter = Chapter::kHidden,
          .summary = "Fetch revisions for the server, in a process of its own",
          .details = {},
          .parameters = {},
          .take = [] { return Command(GitWorkerOptions{}); }};
}

Definition Watchdog() {
  auto o = std::make_shared<WatchdogOptions>();
  return {.path = "watchdog",
          .chapter = Chapter::kHidden,
          .summary = "Be the parent of a sidecar and end it at its deadline",
          .details = {},
          .parameters = {},
          .rest = "ARGUMENT…",
          .set_rest = [o](std::vector<std::string> rest) { o->arguments = std::move(rest); },
          .raw = true,
          .take = [o] { return Command(*o); }};
}

Definition Docs() {
  return {.path = "docs cli",
          .chapter = Chapter::kHidden,
          .summary = "Print the manual of all commands as Markdown",
          .details = {},
          .parameters = {},
          .take = [] { return Command(ClientCommand(DocsOptions{})); }};
}

}  // namespace

std::vector<Definition> RunDefinitions() {
  return {Serve(), Agent(), AgentToken(), Mcp(), ScriptedSidecar()};
}

std::vector<Definition> HiddenDefinitions() { return {GitWorker(), Watchdog(), Docs()}; }

}  // namespace midwatch::cli
