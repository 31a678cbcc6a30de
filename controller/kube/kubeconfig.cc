#include "controller/kube/kubeconfig.h"

#include <array>

#include "controller/base/encoding.h"
#include "controller/base/text.h"

namespace midwatch::kube {
namespace {

Result<const Json*> FindNamed(const Json& document, std::string_view list, std::string_view field,
                              const std::string& name) {
  for (const Json& item : document.At(list).Items()) {
    if (item.At("name").AsString() == name) {
      return &item.At(field);
    }
  }
  return Fail(ErrorCode::kInvalid,
              "kubeconfig: " + std::string(list) + " has nothing named " + Quote(name));
}

template <std::size_t N>
Result<void> Refuse(const Json& section, std::string_view where,
                    const std::array<std::string_view, N>& unsupported) {
  for (const std::string_view field : unsupported) {
    const Json& value = section.At(field);
    const bool harmless = value.IsNull() || (value.IsBool() && !value.AsBool()) ||
                          (value.IsString() && value.AsString().empty());
    if (!harmless) {
      return Fail(ErrorCode::kInvalid,
                  "kubeconfig: " + std::string(where) + "." + std::string(field) +
                      " is not supported: use a token and certificate authorities");
    }
  }
  return {};
}

constexpr std::array<std::string_view, 3> kUnsupportedOfCluster = {"insecure-skip-tls-verify",
                                                                   "proxy-url", "tls-server-name"};
constexpr std::array<std::string_view, 9> kUnsupportedOfUser = {"client-certificate",
                                                                "client-certificate-data",
                                                                "client-key",
                                                                "client-key-data",
                                                                "username",
                                                                "password",
                                                                "exec",
                                                                "auth-provider",
                                                                "as"};

}  // namespace

std::string WriteKubeconfig(const Kubeconfig& config, const std::string& context) {
  Json cluster = Json::Of({{"server", config.server}});
  if (!config.authorities.empty()) {
    cluster.Set("certificate-authority-data", Base64Encode(config.authorities));
  } else if (!config.authorities_file.empty()) {
    cluster.Set("certificate-authority", config.authorities_file);
  }
  Json user = Json::EmptyObject();
  if (!config.token.Reveal().empty()) {
    user.Set("token", config.token.Reveal());
  } else if (!config.token_file.empty()) {
    user.Set("tokenFile", config.token_file);
  }
  Json of_context = Json::Of({{"cluster", context}, {"user", context}});
  if (!config.namespace_name.empty()) {
    of_context.Set("namespace", config.namespace_name);
  }
  const auto named = [&](std::string field, Json value) {
    Json item = Json::Of({{"name", context}});
    item.Set(field, std::move(value));
    return Json::ArrayOf({std::move(item)});
  };
  return Json::Of({{"apiVersion", "v1"},
                   {"kind", "Config"},
                   {"preferences", Json::EmptyObject()},
                   {"current-context", context},
                   {"clusters", named("cluster", std::move(cluster))},
                   {"users", named("user", std::move(user))},
                   {"contexts", named("context", std::move(of_context))}})
             .DumpPretty() +
         "\n";
}

Result<Kubeconfig> ReadKubeconfig(const Json& document, const std::string& context) {
  if (document.At("kind").AsString() != "Config") {
    return Fail(ErrorCode::kInvalid, "kubeconfig: expected kind Config");
  }
  const std::string& wanted = context.empty() ? document.At("current-context").AsString() : context;
  if (wanted.empty()) {
    return Fail(ErrorCode::kInvalid,
                "kubeconfig: no current-context, and no context was asked for");
  }
  MIDWATCH_ASSIGN(const Json* const chosen, FindNamed(document, "contexts", "context", wanted));
  MIDWATCH_ASSIGN(const Json* const cluster,
                  FindNamed(document, "clusters", "cluster", chosen->At("cluster").AsString()));
  MIDWATCH_TRY(Refuse(*cluster, "cluster", kUnsupportedOfCluster));
  Kubeconfig config;
  config.server = cluster->At("server").AsString();
  if (config.server.empty()) {
    return Fail(ErrorCode::kInvalid, "kubeconfig: cluster.server is missing");
  }
  config.namespace_name = chosen->At("namespace").AsString();
  config.authorities_file = cluster->At("certificate-authority").AsString();
  auto authorities = Base64Decode(cluster->At("certificate-authority-data").AsString());
  if (!authorities) {
    return Fail(ErrorCode::kInvalid, "kubeconfig: cluster.certificate-authority-data is no base64");
  }
  config.authorities = *std::move(authorities);
  if (const std::string& user_name = chosen->At("user").AsString(); !user_name.empty()) {
    MIDWATCH_ASSIGN(const Json* const user, FindNamed(document, "users", "user", user_name));
    MIDWATCH_TRY(Refuse(*user, "user", kUnsupportedOfUser));
    config.token = Secret<std::string>(user->At("token").AsString());
    config.token_file = user->At("tokenFile").AsString();
  }
  return config;
}

}  // namespace midwatch::kube
