#pragma once

#include <map>
#include <string>

#include "controller/api/module_job.h"

namespace midwatch::cli {

/// What the environment of a CI system says about its job; empty where it says nothing.
struct CiFacts {
  std::string job_id;  ///< The run and its attempt: `8817-1`. Not unique within the run.
  std::string revision;
  std::string url;
  api::JobSource source;
};

/// GitHub Actions and GitLab CI by their documented variables, others by what many set (BUILD_ID,
/// BUILD_URL, GIT_COMMIT: Jenkins).
CiFacts FactsOfCi(const std::map<std::string, std::string>& environment);

}  // namespace midwatch::cli
