#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/api/values.h"
#include "controller/base/time.h"

namespace midwatch::cli {

// What each command was told: plain values, checked as far as that is possible without looking at
// the world. The names and the manual of the options are in the definitions_*.cc.

enum class OutputFormat : std::uint8_t { kText, kWide, kJson, kYaml, kName, kMarkdown };
enum class ColourChoice : std::uint8_t { kAuto, kAlways, kNever };

/// `payments/database`
struct NameInNamespace {
  std::string namespace_name;
  std::string name;
};

/// An object as people name it (object_reference.h). What was not said is empty.
struct ObjectReference {
  std::string kind;
  std::string namespace_name;
  std::string name;
};

/// How a client command reaches the API.
struct ClientOptions {
  std::string kubeconfig;      ///< Empty: $KUBECONFIG, then ~/.kube/config (FindKubeconfig).
  std::string namespace_name;  ///< Empty: the kubeconfig's, else `default`.
};

struct LogOptions {
  std::string level = "info";   ///< `debug`, `info`, `warn` or `error`.
  std::string format = "text";  ///< `text` or `json`.
};

// Long-lived parts: cmd/ runs them.

struct ServeOptions {
  std::string data = "midwatch-data";  ///< Directory: database, artifacts, CA, kubeconfig.
  std::string listen = "127.0.0.1:7443";
  std::vector<std::string> tls_sans;  ///< More names and addresses in the certificate.
  std::string installation_namespace = "midwatch-system";
  bool allow_file_urls = false;  ///< GitSources may use file://.
  LogOptions log;
};
struct AgentOptions {
  std::string kubeconfig;
  NameInNamespace agent;
  std::string config;                         ///< AgentConfig (docs/reference/agent-config.md).
  std::string data = "midwatch-agent";        ///< Working directories and sockets of its sessions.
  Duration drain = std::chrono::seconds(30);  ///< What runs gets this long after SIGTERM.
  LogOptions log;
};
struct McpOptions {
  std::string socket;  ///< Of the agent's session; the ticket is in $MIDWATCH_TICKET.
};
struct ScriptedSidecarOptions {
  std::string rules;       ///< Directory of rule files; empty: the built-in ones.
  std::string transcript;  ///< A transcript to play instead of rules; empty: none.
};
struct GitWorkerOptions {};
struct WatchdogOptions {
  std::vector<std::string> arguments;  ///< As they stand, for posix::RunWatchdog.
};

// Client commands: RunCommand runs them.

struct AgentTokenOptions {
  ClientOptions client;
  NameInNamespace agent;
  bool token_only = false;  ///< Print the token alone instead of a kubeconfig.
  std::string file;         ///< Where it goes (mode 0600); empty: standard output.
};
struct ValidateOptions {
  std::vector<std::string> paths;
  std::string namespace_name;  ///< For objects that name none; empty: `default`.
  OutputFormat output = OutputFormat::kText;
};
struct DiffOptions {
  ClientOptions client;
  std::string path;  ///< A directory or file; with revisions, a directory in the repository.
  std::string from;  ///< Both or neither: two revisions instead of the server.
  std::string to;
  std::string repository;  ///< URL or directory that has the revisions.
  std::string source;      ///< GitSource whose inventory would be pruned; empty: nothing is.
  OutputFormat output = OutputFormat::kText;
};
struct SyncOptions {
  ClientOptions client;
  ObjectReference target;
  Duration timeout = std::chrono::minutes(2);
  bool no_wait = false;
};

/// What a pipeline says about a job.
struct JobFacts {
  NameInNamespace module;
  std::string job_id;  ///< Empty: from the CI system's environment, else made up.
  api::Operation operation = api::Operation::kOther;
  std::string revision;
  std::string url;
};
struct JobExecOptions {
  ClientOptions client;
  JobFacts facts;
  std::optional<std::int64_t> approval_exit_code;
  std::string plan;              ///< File that the command leaves behind.
  std::optional<Duration> wait;  ///< For the AI work that the job starts.
  std::vector<std::string> command;
};
struct JobStartOptions {
  ClientOptions client;
  JobFacts facts;
};
struct JobUpdateOptions {
  ClientOptions client;
  ObjectReference job;
  api::JobState state = api::JobState::kRunning;
  std::string message;
  std::string log;   ///< File to upload; empty: none.
  std::string plan;  ///< File to upload; empty: none.
};
struct JobFinishOptions {
  ClientOptions client;
  ObjectReference job;
  std::optional<api::JobState> state;  ///< Absent: by the exit code.
  std::optional<std::int64_t> exit_code;
  std::string message;
  std::string log;
  std::string plan;
  std::optional<Duration> wait;
};

struct GetOptions {
  ClientOptions client;
  std::vector<std::string> what;  ///< `TYPE[,TYPE…] [NAME…]` or `TYPE/NAME…`.
  bool all_namespaces = false;
  std::string label_selector;
  std::string field_selector;
  std::string search;  ///< Rows that contain it, case ignored.
  std::string state;   ///< Rows in that state.
  bool watch = false;
  bool no_headers = false;
  OutputFormat output = OutputFormat::kText;
};
struct DescribeOptions {
  ClientOptions client;
  std::vector<std::string> what;
};
struct ApplyOptions {
  ClientOptions client;
  std::vector<std::string> files;
  bool dry_run = false;
  bool force_conflicts = false;
  OutputFormat output = OutputFormat::kText;
};
struct DeleteOptions {
  ClientOptions client;
  std::vector<std::string> what;
  std::vector<std::string> files;
  bool dry_run = false;
  bool ignore_not_found = false;
  bool wait = true;
  Duration timeout = std::chrono::minutes(1);
};
struct TreeOptions {
  ClientOptions client;
  ObjectReference target;
};
struct WhyOptions {
  ClientOptions client;
  ObjectReference target;
};
struct LogsOptions {
  ClientOptions client;
  ObjectReference target;
  bool follow = false;
  OutputFormat output = OutputFormat::kText;
};
struct ReportOptions {
  ClientOptions client;
  ObjectReference target;
  OutputFormat output = OutputFormat::kText;
};
struct CancelOptions {
  ClientOptions client;
  ObjectReference target;
  std::string reason;
};
struct VersionOptions {
  ClientOptions client;
  bool client_only = false;
  OutputFormat output = OutputFormat::kText;
};
struct DocsOptions {};

/// The commands that RunCommand runs.
using ClientCommand =
    std::variant<AgentTokenOptions, ValidateOptions, DiffOptions, SyncOptions, JobExecOptions,
                 JobStartOptions, JobUpdateOptions, JobFinishOptions, GetOptions, DescribeOptions,
                 ApplyOptions, DeleteOptions, TreeOptions, WhyOptions, LogsOptions, ReportOptions,
                 CancelOptions, VersionOptions, DocsOptions>;

/// One of all commands.
using Command = std::variant<ServeOptions, AgentOptions, McpOptions, ScriptedSidecarOptions,
                             GitWorkerOptions, WatchdogOptions, ClientCommand>;

}  // namespace midwatch::cli
