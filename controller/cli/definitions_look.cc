#include <memory>

#include "controller/cli/definition.h"

namespace midwatch::cli {
namespace {

void Append(std::vector<Parameter> more, std::vector<Parameter>& to) {
  to.insert(to.end(), more.begin(), more.end());
}

Definition Get() {
  auto o = std::make_shared<GetOptions>();
  Definition d{
      .path = "get",
      .chapter = Chapter::kLook,
      .summary = "List objects as tables",
      .details =
          "TYPE is a plural, singular or short name, or a category: midwatch (what people write), "
          "midwatch-all (the rest). Tables are the server's own; where they say PHASE, people "
          "see STATE.\n\n"
          "--state takes Pending, Parked, Running, Success, Failed and Cancelled: the words of the "
          "column STATE (docs/concepts.md says which phases they stand for). Also the phase "
          "itself; "
          "ApprovalRequired of jobs; Ready, NotReady, Active, Inactive, Connected and Disconnected "
          "of what has such a column. With -w, what leaves the state is shown once more as it "
          "leaves.",
      .parameters =
          {{.names = "TYPE[,TYPE…] [NAME…] | TYPE/NAME…",
            .help = "What to list",
            .set = Into(o->what),
            .required = true,
            .repeated = true},
           {.names = "-A,--all-namespaces",
            .help = "Of all namespaces",
            .set = Into(o->all_namespaces)},
           {.names = "-l,--selector",
            .value = "SELECTOR",
            .help = "Label selector such as app=web,tier!=test",
            .set = Into(o->label_selector)},
           {.names = "--field-selector",
            .value = "SELECTOR",
            .help = "Field selector such as status.phase=Parked",
            .set = Into(o->field_selector)},
           {.names = "--search",
            .value = "TEXT",
            .help = "Only rows that contain the text, case ignored",
            .set = Into(o->search)},
           {.names = "--state",
            .value = "STATE",
            .help = "Only rows in this state",
            .set = IntoState(o->state)},
           {.names = "-w,--watch", .help = "Go on with what changes", .set = Into(o->watch)},
           {.names = "--no-headers", .help = "Leave the heading out", .set = Into(o->no_headers)},
           OutputParameter(o->output, {OutputFormat::kWide, OutputFormat::kJson,
                                       OutputFormat::kYaml, OutputFormat::kName})},
      .examples = {{"midwatch get dispatches -A --state parked", "What waits, and for what"},
                   {"midwatch get midwatch -n payments", "Everything declared there"},
                   {"midwatch get modulejob/database-42 -n payments -o yaml", ""}},
      .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client), d.parameters);
  return d;
}

Definition Describe() {
  auto o = std::make_shared<DescribeOptions>();
  Definition d{.path = "describe",
               .chapter = Chapter::kLook,
               .summary = "Show all about objects, with their Events",
               .details = {},
               .parameters = {{.names = "TYPE [NAME…] | TYPE/NAME…",
                               .help = "What to describe",
                               .set = Into(o->what),
                               .required = true,
                               .repeated = true}},
               .examples = {{"midwatch describe dispatch -n payments database-x7k2m", ""}},
               .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client), d.parameters);
  return d;
}

Definition Tree() {
  auto o = std::make_shared<TreeOptions>();
  Definition d{.path = "tree",
               .chapter = Chapter::kLook,
               .summary = "Draw what came of a job: missions, dispatches, runs, reports",
               .details = {},
               .parameters = {TargetParameter("The job", o->target, {"modulejob"})},
               .examples = {{"midwatch tree -n payments modulejob/database-42", ""}},
               .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client), d.parameters);
  return d;
}

Definition Why() {
  auto o = std::make_shared<WhyOptions>();
  Definition d{
      .path = "why",
      .chapter = Chapter::kLook,
      .summary = "Explain why work waits, or why a mission did or did not fire",
      .details =
          "Of a Dispatch: the rules that decide whether it may start, in their order, which of "
          "them hold, what stands in the way and what ends it. Of a ModuleJob: which missions "
          "covered it and which did not. The rules are those of the controller.",
      .parameters = {TargetParameter("What to explain", o->target, {"dispatch", "modulejob"})},
      .examples = {{"midwatch why -n payments dispatch/database-x7k2m", ""}},
      .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client), d.parameters);
  return d;
}

Definition Logs() {
  auto o = std::make_shared<LogsOptions>();
  Definition d{.path = "logs",
               .chapter = Chapter::kLook,
               .summary = "Show the session of a sidecar: reasoning, tool calls, results",
               .details =
                   "Of a Dispatch its current Run is meant. With --follow an outage of the server "
                   "of two minutes is waited out.",
               .parameters =
                   {TargetParameter("Whose session", o->target, {"run", "dispatch"}),
                    {.names = "-f,--follow", .help = "Go on until it ends", .set = Into(o->follow)},
                    OutputParameter(o->output, {OutputFormat::kText, OutputFormat::kJson})},
               .examples = {{"midwatch logs -n payments -f dispatch/database-x7k2m", ""}},
               .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client), d.parameters);
  return d;
}

Definition ReportOf() {
  auto o = std::make_shared<ReportOptions>();
  Definition d{
      .path = "report",
      .chapter = Chapter::kLook,
      .summary = "Show a Report: what a sidecar found, on what evidence",
      .details = {},
      .parameters = {TargetParameter("Whose Report; of a job all of them", o->target,
                                     {"report", "dispatch", "modulejob"}),
                     OutputParameter(o->output, {OutputFormat::kText, OutputFormat::kJson,
                                                 OutputFormat::kYaml, OutputFormat::kMarkdown})},
      .examples = {{"midwatch report -n payments dispatch/database-x7k2m", ""},
                   {"midwatch report modulejob/payments/database-42 -o markdown",
                    "All of a job, for the comment on a pull request"}},
      .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client), d.parameters);
  return d;
}

Definition Version() {
  auto o = std::make_shared<VersionOptions>();
  Definition d{.path = "version",
               .chapter = Chapter::kLook,
               .summary = "Show the versions of this program and of the server",
               .details = {},
               .parameters = {{.names = "--client",
                               .help = "Of this program alone",
                               .set = Into(o->client_only)},
                              OutputParameter(o->output, {OutputFormat::kText, OutputFormat::kJson,
                                                          OutputFormat::kYaml})},
               .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client, false), d.parameters);
  return d;
}

}  // namespace

std::vector<Definition> LookDefinitions() {
  return {Get(), Describe(), Tree(), Why(), Logs(), ReportOf(), Version()};
}

}  // namespace midwatch::cli
