#include "controller/api/agent.h"
#include "controller/api/core.h"
#include "controller/api/names.h"
#include "controller/base/encoding.h"
#include "controller/cli/api_session.h"
#include "controller/cli/commands.h"
#include "controller/cli/missing_object.h"
#include "controller/cli/object_output.h"

namespace midwatch::cli {
namespace {

Json Named(std::string_view name, std::string_view what, Json value) {
  Json out = Json::Of({{"name", name}});
  out.Set(what, std::move(value));
  return Json::ArrayOf({std::move(out)});
}

/// A kubeconfig of the Agent for this server.
std::string Kubeconfig(const Connection& connection, const NameInNamespace& agent,
                       const Secret<std::string>& token) {
  Json cluster = Json::Of({{"server", connection.server}});
  if (!connection.ca_pem.empty()) {
    cluster.Set("certificate-authority-data", Base64Encode(connection.ca_pem));
  }
  const std::string user = "agent-" + agent.namespace_name + "-" + agent.name;
  return FormatValue(
      Json::Of({{"apiVersion", "v1"},
                {"kind", "Config"},
                {"clusters", Named("midwatch", "cluster", std::move(cluster))},
                {"users", Named(user, "user", Json::Of({{"token", token.Reveal()}}))},
                {"contexts", Named("midwatch", "context",
                                   Json::Of({{"cluster", "midwatch"},
                                             {"namespace", agent.namespace_name},
                                             {"user", user}}))},
                {"current-context", "midwatch"}}),
      OutputFormat::kYaml);
}

}  // namespace

int Run(const AgentTokenOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client, options.agent.namespace_name);
  if (!session) {
    return context.Refuse(session.error());
  }
  const std::string agent = options.agent.namespace_name + "/" + options.agent.name;
  const auto known =
      session->Get(api::Agent::Type(), options.agent.namespace_name, options.agent.name);
  if (!known) {
    return RefuseObject(known.error(), api::Agent::Type(), options.agent.name, context, *session);
  }
  const NewToken made = context.world.issue_agent_token(*known);
  const auto created = session->Create({.type = api::Secret::Type(),
                                        .object = made.secret,
                                        .field_manager = std::string(api::field_managers::kCli)});
  if (!created) {
    return context.Refuse(created.error());
  }
  const std::string text = options.token_only
                               ? made.token.Reveal() + "\n"
                               : Kubeconfig(session->connection(), options.agent, made.token);
  if (options.file.empty()) {
    context.Print(text);
  } else if (const auto written = context.world.files.WritePrivate(options.file, text); !written) {
    // A token that nobody has shall not live on.
    const auto revoked = session->Delete({.type = api::Secret::Type(),
                                          .namespace_name = created->namespace_name(),
                                          .name = created->name(),
                                          .preconditions = {},
                                          .propagation_policy = "Background"});
    const std::string named = "secret -n " + created->namespace_name() + " " + created->name();
    context.Refuse(written.error());
    context.Hint(revoked ? "no token was made" : "revoke it: midwatch delete " + named);
    return kExitFailed;
  }
  context.Note((options.file.empty() ? "This token of Agent " + agent + " is shown once; "
                                     : "Wrote " + options.file + " for Agent " + agent + "; ") +
               "midwatch delete secret -n " + created->namespace_name() + " " + created->name() +
               " revokes it.");
  return kExitDone;
}

}  // namespace midwatch::cli
