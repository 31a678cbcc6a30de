#include "controller/cmd/connection.h"

#include <filesystem>
#include <memory>
#include <utility>

#include "controller/artifacts/http_artifact_store.h"
#include "controller/base/text.h"
#include "controller/cmd/data_directory.h"
#include "controller/http/http_client.h"
#include "controller/kube/http_kube_client.h"
#include "controller/kube/kubeconfig.h"
#include "controller/manifest/loader.h"

namespace midwatch::cmd {
namespace {

Result<std::string> FirstExisting(const std::vector<std::string>& candidates) {
  for (const std::string& candidate : candidates) {
    std::error_code ignored;
    if (std::filesystem::exists(candidate, ignored)) {
      return candidate;
    }
  }
  return Fail(ErrorCode::kNotFound,
              "no kubeconfig: " + (candidates.empty() ? "neither $KUBECONFIG nor $HOME is set"
                                                      : "looked for " + Join(candidates, ", ")));
}

/// A file that a kubeconfig names is meant relative to it.
std::filesystem::path Beside(const std::string& kubeconfig, const std::string& file) {
  return std::filesystem::path(kubeconfig).parent_path() / file;
}

Result<kube::Kubeconfig> Read(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    const std::filesystem::path inside = std::filesystem::path(path) / "kubeconfig";
    return Fail(ErrorCode::kInvalid, path + ": is a directory, expected a kubeconfig file" +
                                         (std::filesystem::exists(inside, ignored)
                                              ? ", did you mean " + inside.string() + "?"
                                              : ""));
  }
  MIDWATCH_ASSIGN(const std::string text, ReadFile(path));
  const manifest::LoadedYaml loaded = manifest::LoadYaml(path, text);
  if (!loaded.errors.empty()) {
    return Fail(ErrorCode::kInvalid, loaded.errors.front().ToString());
  }
  auto config = kube::ReadKubeconfig(loaded.body);
  if (!config) {
    return Fail(config.error().code, path + ": " + config.error().message);
  }
  if (!config->authorities_file.empty()) {
    MIDWATCH_ASSIGN(config->authorities, ReadFile(Beside(path, config->authorities_file)));
  }
  if (!config->token_file.empty()) {
    MIDWATCH_ASSIGN(const std::string token, ReadFile(Beside(path, config->token_file)));
    config->token = Secret(std::string(Trim(token)));
  }
  return config;
}

/// What a Connection's parts stand on, kept alive by each of them.
struct Stack {
  std::unique_ptr<HttpClient> http;
  std::unique_ptr<kube::HttpKubeClient> kube;
  std::unique_ptr<artifacts::HttpArtifactStore> artifacts;
};

}  // namespace

Result<cli::Connection> Connect(const std::vector<std::string>& kubeconfigs,
                                const kube::HttpKubeClientOptions& options) {
  MIDWATCH_ASSIGN(const std::string path, FirstExisting(kubeconfigs));
  MIDWATCH_ASSIGN(const kube::Kubeconfig config, Read(path));
  auto stack = std::make_shared<Stack>();
  MIDWATCH_ASSIGN(stack->http,
                  http::MakeHttpClient({.base_url = config.server,
                                        .authorities = config.authorities,
                                        .bearer = [token = config.token] { return token; }}));
  stack->kube = std::make_unique<kube::HttpKubeClient>(*stack->http, options);
  stack->artifacts = std::make_unique<artifacts::HttpArtifactStore>(
      *stack->http, artifacts::HttpArtifactOptions{});  // The client sends the token.
  return cli::Connection{.kube = {stack, stack->kube.get()},
                         .http = {stack, stack->http.get()},
                         .artifacts = {stack, stack->artifacts.get()},
                         .server = config.server,
                         .ca_pem = config.authorities,
                         .namespace_name = config.namespace_name};
}

}  // namespace midwatch::cmd
