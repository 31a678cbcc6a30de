#pragma once

#include "controller/cli/test_world.h"

namespace midwatch::cli {

/// A world with a Module, an Agent with an instance, an OrganizationMission, a job that failed and
/// was diagnosed, one that waits for approval, and one whose work is parked. For tests alone;
/// defined in demo_world_test.cc.
class DemoWorld : public TestWorld {
 public:
  DemoWorld();

  /// Gives a Run of job database-41, its first or second attempt, another status, and if `stop` is
  /// not empty a request to stop for that reason. What it was.
  Json SetRun(int attempt, Json status, std::string_view stop = {});

  /// Module payments/cache, which the GitSource declares in this file.
  void PutDeclaredModule(std::string_view file);
};

/// Of that world: the status that diagnosed work has, and its Report, for jobs made by a test.
std::string DiagnosisReport(std::string_view dispatch, std::string_view job);

}  // namespace midwatch::cli
