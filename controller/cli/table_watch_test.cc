#include <gtest/gtest.h>

#include <csignal>
#include <string_view>

#include "controller/api/dispatch.h"
#include "controller/cli/demo_world.h"
#include "controller/cli/exit_codes.h"

namespace midwatch::cli {
namespace {

TEST(TranscriptOfGetWatch, GoesOnWithWhatChangesUntilASignalComes) {
  DemoWorld world;
  const ObjectKey key{"dispatches.midwatch.dev", "payments", "ledger-m3v8t1z6hrcx"};
  world.waiter.next.emplace_back([&] {
    Json body = world.kube.Find(key).Body();
    body["status"].Set("phase", "Assigned");
    body["status"].Set("reason", "");
    world.kube.Put(api::Dispatch::Type(), body);
    world.http.Event("MODIFIED", key);
  });
  world.waiter.next.emplace_back([&] { world.waiter.signals.push_back(SIGINT); });
  ExpectGolden("get_watch", world.Run({"get", "dispatches", "-n", "payments", "-w"}));
  EXPECT_EQ(world.exit_code, kExitSignalBase + SIGINT);
  world.waiter.next.emplace_back([&] { world.waiter.signals.push_back(SIGINT); });
  world.Run({"get", "module", "nope", "-n", "payments", "-w"});
  EXPECT_EQ(world.exit_code, kExitFailed);
}

TEST(TranscriptOfGetWatch, ShowsWhatLeavesTheStateOnceMore) {
  DemoWorld world;
  const ObjectKey key{"dispatches.midwatch.dev", "payments", "ledger-m3v8t1z6hrcx"};
  for (const char* phase : {"Assigned", "Running", "Parked"}) {
    world.waiter.next.emplace_back([&world, key, phase] {
      Json body = world.kube.Find(key).Body();
      body["status"].Set("phase", phase);
      world.kube.Put(api::Dispatch::Type(), body);
      world.http.Event("MODIFIED", key);
    });
  }
  for (const char* event : {"DELETED", "MODIFIED"}) {  // The second of one that is not there.
    world.waiter.next.emplace_back([&world, key, event] {
      Json body = world.kube.Find(key).Body();
      body["status"].Set("phase", std::string_view(event) == "DELETED" ? "Parked" : "Running");
      world.kube.Put(api::Dispatch::Type(), body);
      world.http.Event(event, key);
    });
  }
  world.waiter.next.emplace_back([&] { world.waiter.signals.push_back(SIGINT); });
  ExpectGolden("get_watch_state",
               world.Run({"get", "dispatches", "-n", "payments", "-w", "--state", "parked"}));
}

}  // namespace
}  // namespace midwatch::cli
