#include "controller/cli/ci_environment.h"

namespace midwatch::cli {
namespace {

class Variables {
 public:
  explicit Variables(const std::map<std::string, std::string>& all) : all_(all) {}

  std::string operator()(const char* name) const {
    const auto found = all_.find(name);
    return found == all_.end() ? std::string() : found->second;
  }

 private:
  const std::map<std::string, std::string>& all_;
};

CiFacts OfGitHub(const Variables& get) {
  const std::string repository = get("GITHUB_SERVER_URL") + "/" + get("GITHUB_REPOSITORY");
  const std::string ref = get("GITHUB_REF");
  constexpr std::string_view kPull = "refs/pull/";
  std::string pull;
  if (ref.rfind(kPull, 0) == 0) {
    pull = ref.substr(kPull.size(), ref.find('/', kPull.size()) - kPull.size());
  }
  return {.job_id = get("GITHUB_RUN_ID") + "-" + get("GITHUB_RUN_ATTEMPT"),
          .revision = get("GITHUB_SHA"),
          .url = repository + "/actions/runs/" + get("GITHUB_RUN_ID"),
          .source = {.repository = repository,
                     .ref = ref,
                     .pull_request = pull,
                     .actor = get("GITHUB_ACTOR")}};
}

CiFacts OfGitLab(const Variables& get) {
  return {.job_id = get("CI_JOB_ID"),
          .revision = get("CI_COMMIT_SHA"),
          .url = get("CI_JOB_URL"),
          .source = {.repository = get("CI_PROJECT_URL"),
                     .ref = get("CI_COMMIT_REF_NAME"),
                     .pull_request = get("CI_MERGE_REQUEST_IID"),
                     .actor = get("GITLAB_USER_LOGIN")}};
}

}  // namespace

CiFacts FactsOfCi(const std::map<std::string, std::string>& environment) {
  const Variables get(environment);
  if (get("GITHUB_ACTIONS") == "true") {
    return OfGitHub(get);
  }
  if (get("GITLAB_CI") == "true") {
    return OfGitLab(get);
  }
  return {.job_id = get("BUILD_ID"),
          .revision = get("GIT_COMMIT"),
          .url = get("BUILD_URL"),
          .source = {}};
}

}  // namespace midwatch::cli
