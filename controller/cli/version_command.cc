#include "controller/cli/api_session.h"
#include "controller/cli/command_line.h"
#include "controller/cli/commands.h"
#include "controller/cli/object_output.h"

namespace midwatch::cli {

int Run(const DocsOptions&, Context& context) {
  context.Print(CommandReference());
  return kExitDone;
}

int Run(const VersionOptions& options, Context& context) {
  const std::string& commit = context.world.commit;
  Json client = Json::Of({{"version", context.world.version}});
  if (!commit.empty()) {
    client.Set("commit", commit);
  }
  std::string text = "midwatch " + context.world.version +
                     (commit.empty() ? std::string() : " (" + commit + ")") + "\n";
  Json all = Json::Of({{"client", std::move(client)}});
  int code = kExitDone;
  if (!options.client_only) {
    auto session = ApiSession::Open(context, options.client);
    const Result<Json> server =
        session ? session->Fetch("/version") : Result<Json>(Fail(session.error()));
    if (server) {
      text += "server   " + Harmless(server->At("gitVersion").AsString()) + " at " +
              session->connection().server + "\n";
      all.Set("server", *server);
    } else {
      text += "server   not reached: " + Harmless(server.error().message) + "\n";
      code = session ? ExitCodeOf(server.error().code) : kExitDone;
    }
  }
  context.Print(options.output == OutputFormat::kText ? text : FormatValue(all, options.output));
  return code;
}

}  // namespace midwatch::cli
