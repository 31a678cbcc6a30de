#include <memory>

#include "controller/cli/definition.h"

namespace midwatch::cli {
namespace {

void Append(std::vector<Parameter> more, std::vector<Parameter>& to) {
  to.insert(to.end(), more.begin(), more.end());
}

std::vector<Parameter> FactParameters(JobFacts& facts) {
  return {
      {.names = "-m,--module",
       .value = "NAMESPACE/NAME",
       .help = "The Module that the job runs",
       .set = Into(facts.module),
       .required = true},
      {.names = "--operation",
       .value = "WORD",
       .help = "Plan, Apply, Destroy, Deploy, Test or Other",
       .set = Into(facts.operation),
       .default_text = "Other"},
      {.names = "--job-id",
       .value = "ID",
       .help = "The pipeline's own name for the job; without it the CI system's, else a new one",
       .set = Into(facts.job_id)},
      {.names = "--revision",
       .value = "REVISION",
       .help = "Revision of the code; without it the CI system's",
       .set = Into(facts.revision)},
      {.names = "--url",
       .value = "URL",
       .help = "Where the pipeline shows the job; without it the CI system's",
       .set = Into(facts.url)}};
}

Parameter WaitParameter(std::optional<Duration>& wait) {
  return {.names = "--wait",
          .value = "DURATION",
          .help = "Wait so long for the AI work that the job starts, and print what came of it",
          .set = Into(wait)};
}

Parameter FileParameter(std::string names, std::string help, std::string& target) {
  return {.names = std::move(names), .value = "FILE", .help = std::move(help), .set = Into(target)};
}

Parameter JobArgument(ObjectReference& job) {
  return {.names = "JOB",
          .help = "The ModuleJob as job start printed it, NAMESPACE/NAME, or a name",
          .set = Into(job, {"modulejob"}),
          .required = true};
}

Definition JobExec() {
  auto o = std::make_shared<JobExecOptions>();
  Definition d{
      .path = "job exec",
      .chapter = Chapter::kPipelines,
      .summary = "Run a command as a job of a Module, and report it",
      .details =
          "Input, output, signals and exit code of the command pass through unchanged; what it "
          "leaves running in the background lives on. Its output is kept, with the values of "
          "environment variables whose names look secret replaced by ***, and uploaded before the "
          "end of the job is reported: Succeeded for exit code 0, ApprovalRequired for that of "
          "--approval-exit-code, Cancelled after SIGINT, SIGTERM, SIGHUP or SIGQUIT, Failed "
          "otherwise.\n\n"
          "With --wait, the answer of the AI work stands under the output, on standard error. What "
          "waits for somebody to change something (an assignment, an agent that is not running) is "
          "waited for 10 seconds and then told.\n\n"
          "If the API cannot be reached there are warnings and nothing else changes: the exit code "
          "is always that of the command.",
      .parameters = FactParameters(o->facts),
      .rest = "COMMAND [ARGUMENT…]",
      .set_rest = [o](std::vector<std::string> rest) { o->command = std::move(rest); },
      .examples =
          {{"midwatch job exec --module payments/database --wait 1m -- make deploy",
            "Run a step; if it fails, show the diagnosis under its output"},
           {"midwatch job exec -m payments/database --operation plan --approval-exit-code 2 "
            "--plan plan.json -- ./plan.sh",
            "A plan that waits for approval if there are changes"}},
      .exit_codes = {"that of the command", "`127`: the command could not be started",
                     "`128 + N`: signal N ended the command",
                     "`2`: the command line of `job exec` itself is wrong"},
      .take = [o] { return Command(ClientCommand(*o)); }};
  d.parameters.push_back({.names = "--approval-exit-code",
                          .value = "N",
                          .help = "Exit code, 1 to 255, that means: waits for approval",
                          .set = IntoExitCode(o->approval_exit_code)});
  d.parameters.push_back(FileParameter(
      "--plan", "File with the plan that the command leaves behind; uploaded as plan", o->plan));
  d.parameters.push_back(WaitParameter(o->wait));
  Append(ClientParameters(o->client, false), d.parameters);
  return d;
}

Definition JobStart() {
  auto o = std::make_shared<JobStartOptions>();
  Definition d{.path = "job start",
               .chapter = Chapter::kPipelines,
               .summary = "Report that a job has started",
               .details = "Prints NAMESPACE/NAME of the ModuleJob for job update and job finish.",
               .parameters = FactParameters(o->facts),
               .examples = {{"JOB=$(midwatch job start --module payments/database)", ""}},
               .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client, false), d.parameters);
  return d;
}

Definition JobUpdate() {
  auto o = std::make_shared<JobUpdateOptions>();
  Definition d{
      .path = "job update",
      .chapter = Chapter::kPipelines,
      .summary = "Report a state that a job has come into",
      .details = {},
      .parameters = {JobArgument(o->job),
                     {.names = "--state",
                      .value = "STATE",
                      .help = "Running, ApprovalRequired, Succeeded, Failed or Cancelled",
                      .set = Into(o->state),
                      .required = true},
                     {.names = "--message",
                      .value = "TEXT",
                      .help = "What there is to say about it",
                      .set = Into(o->message)},
                     FileParameter("--log", "Upload it as the job's log first", o->log),
                     FileParameter("--plan", "Upload it as the job's plan first", o->plan)},
      .examples = {{"midwatch job update $JOB --state ApprovalRequired --plan plan.json", ""}},
      .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client), d.parameters);
  return d;
}

Definition JobFinish() {
  auto o = std::make_shared<JobFinishOptions>();
  Definition d{
      .path = "job finish",
      .chapter = Chapter::kPipelines,
      .summary = "Report the end of a job",
      .details = "Without --state the exit code decides: 0 is Succeeded, anything else Failed.",
      .parameters = {JobArgument(o->job),
                     {.names = "--exit-code",
                      .value = "N",
                      .help = "Exit code of the job",
                      .set = Into(o->exit_code)},
                     {.names = "--state",
                      .value = "STATE",
                      .help = "Succeeded, Failed or Cancelled",
                      .set = Into(o->state)},
                     {.names = "--message",
                      .value = "TEXT",
                      .help = "What there is to say about it",
                      .set = Into(o->message)},
                     FileParameter("--log", "Upload it as the job's log first", o->log),
                     FileParameter("--plan", "Upload it as the job's plan first", o->plan),
                     WaitParameter(o->wait)},
      .examples = {{"midwatch job finish $JOB --exit-code $? --log build.log --wait 1m", ""}},
      .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client), d.parameters);
  return d;
}

}  // namespace

std::vector<Definition> PipelineDefinitions() {
  return {JobExec(), JobStart(), JobUpdate(), JobFinish()};
}

}  // namespace midwatch::cli
