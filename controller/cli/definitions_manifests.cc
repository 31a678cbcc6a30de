#include <memory>

#include "controller/cli/definition.h"

namespace midwatch::cli {
namespace {

void Append(std::vector<Parameter> more, std::vector<Parameter>& to) {
  to.insert(to.end(), more.begin(), more.end());
}

Parameter FilesArgument(std::vector<std::string>& files, bool required) {
  return {.names = "-f,--filename",
          .value = "FILE|DIR|-",
          .help = "Manifests: a file, all of a directory, or standard input",
          .set = Into(files),
          .required = required,
          .repeated = true};
}

Definition Validate() {
  auto o = std::make_shared<ValidateOptions>();
  return {
      .path = "validate",
      .chapter = Chapter::kManifests,
      .summary = "Check manifests as a GitSource would, without a server",
      .details = "Prints every error as path:line:column: code: field: message.",
      .parameters = {{.names = "PATH",
                      .help = "Directories and files to check",
                      .set = Into(o->paths),
                      .required = true,
                      .repeated = true},
                     {.names = "-n,--namespace",
                      .value = "NAMESPACE",
                      .help =
                          "Namespace of the GitSource: objects that name none go there, and only "
                          "if it is midwatch-system may they go elsewhere. Without it they may "
                          "go anywhere",
                      .set = IntoNamespace(o->namespace_name)},
                     OutputParameter(o->output, {OutputFormat::kText, OutputFormat::kJson,
                                                 OutputFormat::kYaml})},
      .examples = {{"midwatch validate manifests/", "In a pipeline, before anything is merged"}},
      .exit_codes = {"`0`: no error", "`1`: at least one error", "`2`: wrong command line",
                     "`3`: a path cannot be read"},
      .take = [o] { return Command(ClientCommand(*o)); }};
}

Definition Diff() {
  auto o = std::make_shared<DiffOptions>();
  Definition d{
      .path = "diff",
      .chapter = Chapter::kManifests,
      .summary = "Show what manifests would change",
      .details =
          "Against the server: what applying the directory would create and update, field by "
          "field, and what it would refuse because somebody else manages the field. With --source: "
          "what the next sync of that GitSource would do if it found this, "
          "what it would prune included; PATH is then a checkout of its repository, or of the "
          "directory that it reads. With --from and --to: what changes between two revisions of a "
          "repository, without a server.",
      .parameters =
          {{.names = "PATH",
            .help = "Directory or file; with revisions a directory of the repository",
            .set = Into(o->path)},
           {.names = "--source",
            .value = "NAME",
            .help = "GitSource of the namespace whose sync is asked about",
            .set = Into(o->source)},
           {.names = "--from",
            .value = "REVISION",
            .help = "Compare this revision of --repository …",
            .set = Into(o->from)},
           {.names = "--to", .value = "REVISION", .help = "… with this one", .set = Into(o->to)},
           {.names = "--repository",
            .value = "URL|DIR",
            .help = "Repository that has the revisions",
            .set = Into(o->repository),
            .default_text = "."},
           OutputParameter(o->output, {OutputFormat::kText, OutputFormat::kJson,
                                       OutputFormat::kYaml, OutputFormat::kMarkdown})},
      .examples = {{"midwatch diff manifests/", "Against the server"},
                   {"midwatch diff --source platform -n midwatch-system .",
                    "What the GitSource would make of this checkout"},
                   {"midwatch diff --from main --to my-branch manifests/",
                    "Between two revisions"}},
      .exit_codes = {"`0`: no differences", "`1`: differences", "`2`: wrong command line",
                     "`3`: not done", "`4`: the API cannot be reached"},
      .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client), d.parameters);
  return d;
}

Definition Apply() {
  auto o = std::make_shared<ApplyOptions>();
  Definition d{.path = "apply",
               .chapter = Chapter::kManifests,
               .summary = "Create or change objects from manifests (server-side apply)",
               .details =
                   "Everything in all files is checked as midwatch validate does it, and written "
                   "in order if there is no error: nothing is sent before. What the server alone "
                   "can tell, such as a conflict, is said of that object, and the others are "
                   "written. The field manager is midwatch.",
               .parameters = {FilesArgument(o->files, true),
                              {.names = "--dry-run",
                               .help = "Let the server check everything and write nothing",
                               .set = Into(o->dry_run)},
                              {.names = "--force-conflicts",
                               .help = "Take fields over that somebody else manages",
                               .set = Into(o->force_conflicts)},
                              OutputParameter(o->output, {OutputFormat::kName, OutputFormat::kJson,
                                                          OutputFormat::kYaml})},
               .examples = {{"midwatch apply -f module.yaml", ""},
                            {"cat module.yaml | midwatch apply -f - --dry-run", ""}},
               .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client), d.parameters);
  return d;
}

Definition Delete() {
  auto o = std::make_shared<DeleteOptions>();
  Definition d{.path = "delete",
               .chapter = Chapter::kManifests,
               .summary = "Delete objects",
               .details = {},
               .parameters = {{.names = "TYPE NAME… | TYPE/NAME…",
                               .help = "What to delete",
                               .set = Into(o->what),
                               .repeated = true},
                              FilesArgument(o->files, false),
                              {.names = "--dry-run",
                               .help = "Let the server check everything and delete nothing",
                               .set = Into(o->dry_run)},
                              {.names = "--ignore-not-found",
                               .help = "What does not exist is no error",
                               .set = Into(o->ignore_not_found)},
                              {.names = "--no-wait",
                               .help = "Do not wait until finalizers have let go",
                               .set = [o](const std::string&) -> Result<void> {
                                 o->wait = false;
                                 return {};
                               }},
                              {.names = "--timeout",
                               .value = "DURATION",
                               .help = "How long to wait",
                               .set = Into(o->timeout),
                               .default_text = "1m"}},
               .examples = {{"midwatch delete modulemission -n payments diagnose", ""},
                            {"midwatch delete -f module.yaml", ""}},
               .take = [o] { return Command(ClientCommand(*o)); }};
  Append(ClientParameters(o->client), d.parameters);
  return d;
}

}  // namespace

std::vector<Definition> ManifestDefinitions() { return {Validate(), Diff(), Apply(), Delete()}; }

}  // namespace midwatch::cli
