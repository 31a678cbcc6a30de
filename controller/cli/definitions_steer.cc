#include <memory>

#include "controller/cli/definition.h"

namespace midwatch::cli {
namespace {

Definition Sync() {
  auto o = std::make_shared<SyncOptions>();
  Definition d{
      .path = "sync",
      .chapter = Chapter::kSteer,
      .summary = "Sync a GitSource now, and show what came of it",
      .details = {},
      .parameters = {TargetParameter("The GitSource", o->target, {"gitsource"}),
                     {.names = "--timeout",
                      .value = "DURATION",
                      .help = "How long to wait for the result",
                      .set = Into(o->timeout),
                      .default_text = "2m"},
                     {.names = "--no-wait",
                      .help = "Ask for it and do not wait",
                      .set = Into(o->no_wait)}},
      .examples = {{"midwatch sync -n midwatch-system platform", ""}},
      .exit_codes = {"`0`: the revision is in force",
                     "`1`: it is not: it has errors, or cannot be read", "`2`: wrong command line",
                     "`3`: not done", "`4`: the API cannot be reached, or the time was up"},
      .take = [o] { return Command(ClientCommand(*o)); }};
  for (Parameter& parameter : ClientParameters(o->client)) {
    d.parameters.push_back(std::move(parameter));
  }
  return d;
}

Definition Cancel() {
  auto o = std::make_shared<CancelOptions>();
  Definition d{.path = "cancel",
               .chapter = Chapter::kSteer,
               .summary = "Cancel a Dispatch; what runs is stopped",
               .details = "A cancellation cannot be taken back.",
               .parameters = {TargetParameter("What to cancel", o->target, {"dispatch"}),
                              {.names = "--reason",
                               .value = "TEXT",
                               .help = "Why, for the record",
                               .set = Into(o->reason)}},
               .examples = {{"midwatch cancel -n payments dispatch/database-x7k2m --reason 'known "
                             "outage'",
                             ""}},
               .take = [o] { return Command(ClientCommand(*o)); }};
  for (Parameter& parameter : ClientParameters(o->client)) {
    d.parameters.push_back(std::move(parameter));
  }
  return d;
}

}  // namespace

std::vector<Definition> SteerDefinitions() { return {Sync(), Cancel()}; }

}  // namespace midwatch::cli
