#include <gtest/gtest.h>

#include <csignal>

#include "controller/api/kinds.h"
#include "controller/cli/demo_world.h"
#include "controller/cli/exit_codes.h"

// What midwatch logs prints of a session, as transcripts in testdata/.

namespace midwatch::cli {
namespace {

constexpr std::string_view kSession =
    R"({"at":"2026-03-02T11:52:46.000001Z","kind":"system","text":"the sidecar was started","promptBytes":1898,"promptDigest":"sha256:0792d5e5ec48c89680235596b78b00008e7d024d83f22ab27f355fb9e2dc217d"}
{"at":"2026-03-02T11:52:46.100000Z","kind":"reasoning","text":"The job failed with exit code 1. I look at its log for the first error, "}
{"at":"2026-03-02T11:52:46.200000Z","kind":"reasoning","text":"then at what came before it.\n"}
{"at":"2026-03-02T11:52:46.300000Z","kind":"toolCall","title":"log","input":{"from":1,"pattern":"^Error"},"status":"in_progress","toolCallId":"call-2","toolKind":"read"}
{"at":"2026-03-02T11:52:46.400000Z","kind":"toolResult","text":"12: Error: Error acquiring the state lock\n13: Lock Info: ci@runner-3\n14\n15\n16\n17\n18\n19\n20\n21\n22\n23\n24\n25\n","status":"completed","toolCallId":"call-2"}
{"at":"2026-03-02T11:52:46.450000Z","kind":"toolResult","text":"no such artifact","status":"failed","toolCallId":"call-3"}
{"at":"2026-03-02T11:52:46.500000Z","kind":"plan","entries":[{"content":"read the log","status":"completed"},{"content":"submit the diagnosis","status":"in_progress"}]}
{"at":"2026-03-02T11:52:46.600000Z","kind":"permission","text":"write a file","answer":"denied"}
{"at":"2026-03-02T11:52:46.700000Z","kind":"answer","text":"Another run holds the lock."}
{"at":"2026-03-02T11:52:46.800000Z","kind":"diagnostic","text":"bad escape \u001b[31m made visible"}
{"at":"2026-03-02T11:52:46.900000Z","kind":"result","text":"accepted","result":{"category":"Conflict","rootCause":"Another run holds the lock of the Terraform state, so this one could not begin."}}
{"at":"2026-03-02T11:52:46.950000Z","kind":"usage","inputTokens":0,"outputTokens":0}
)";

TEST(TranscriptOfLogs, TellsReasoningToolCallsAndResultsApart) {
  DemoWorld world;
  world.artifacts.logs["runs/ai/database-k4xq9w2m7dlp-2"] = kSession;
  ExpectGolden(
      "logs",
      world.RunAll({{"logs", "dispatch/database-k4xq9w2m7dlp", "-n", "payments"},
                    {"logs", "run/database-k4xq9w2m7dlp-2", "-n", "ai", "--colour", "always"},
                    {"logs", "run/database-k4xq9w2m7dlp-1", "-n", "ai"},
                    {"logs", "dispatch/ledger-m3v8t1z6hrcx", "-n", "payments"}}));
}

TEST(TranscriptOfLogs, AnAttemptThatFailedIsShownWhileAnotherIsAwaited) {
  DemoWorld world;
  const ObjectKey key{"dispatches.midwatch.dev", "payments", "database-k4xq9w2m7dlp"};
  Json parked = world.kube.Find(key).Body();
  parked.Set("status", Json::Of({{"phase", "Parked"}, {"reason", "RetryBackoff"}}));
  world.kube.Put(*api::FindKind("midwatch.dev/v1alpha1", "Dispatch"), parked);
  world.artifacts.logs["runs/ai/database-k4xq9w2m7dlp-2"] = kSession;
  const std::string shown = world.Run({"logs", "dispatch/" + key.name, "-n", "payments"});
  EXPECT_NE(shown.find("accepted: Another run holds the lock"), std::string::npos) << shown;
}

TEST(TranscriptOfLogs, FollowsUntilTheSessionHasEnded) {
  DemoWorld world;
  const Json ended = world.SetRun(2, Json::Of({{"phase", "Running"}}));
  std::string& log = world.artifacts.logs["runs/ai/database-k4xq9w2m7dlp-2"];
  const std::string session(kSession);
  const std::size_t half = session.find("then at");
  world.waiter.next.emplace_back([&] { log = session.substr(0, half); });
  world.waiter.next.emplace_back([&] {
    log = session;
    world.SetRun(2, ended.At("status"));
  });
  ExpectGolden("logs_follow", world.Run({"logs", "-f", "run/database-k4xq9w2m7dlp-2", "-n", "ai"}));
}

TEST(TranscriptOfLogs, ASignalEndsTheFollowing) {
  DemoWorld world;
  world.SetRun(2, Json::Of({{"phase", "Running"}}));
  world.waiter.next.emplace_back([&] { world.waiter.signals.push_back(SIGINT); });
  // Were it lost, the server would not answer for ever; the test ends all the same.
  world.waiter.next.emplace_back([&] {
    world.kube.FailNext({.verb = "get", .error = {ErrorCode::kForbidden, "the signal was lost"}});
  });
  const std::string said = world.Run({"logs", "-f", "run/database-k4xq9w2m7dlp-2", "-n", "ai"});
  EXPECT_EQ(world.exit_code, kExitSignalBase + SIGINT) << said;
}

TEST(TranscriptOfLogs, NothingIsAwaitedOfARunThatIsLostOrWasNeverTaken) {
  std::string all;
  for (const auto& [reason, phase] :
       {std::pair("InstanceLost", "Running"), std::pair("NotAcknowledged", "Pending")}) {
    DemoWorld world;
    if (std::string_view(phase) == "Running") {
      world.artifacts.logs["runs/ai/database-k4xq9w2m7dlp-2"] =
          R"({"kind":"reasoning","text":"half a line"})"
          "\n";
    }
    world.SetRun(2, Json::Of({{"phase", phase}}), reason);
    world.waiter.next.emplace_back([&] { world.waiter.signals.push_back(SIGINT); });
    all += world.Run({"logs", "-f", "run/database-k4xq9w2m7dlp-2", "-n", "ai"}) + "\n";
  }
  ExpectGolden("logs_follow_lost", all);
}

TEST(TranscriptOfLogs, FollowsOnWhenTheServerIsBackWithinTwoMinutes) {
  const Error away{ErrorCode::kUnavailable, "https://127.0.0.1:7443: nothing listens there"};
  const std::string thought = R"({"kind":"reasoning","text":"half a line"})"
                              "\n";
  const auto follow = [&](int failures) {
    DemoWorld world;
    world.artifacts.logs["runs/ai/database-k4xq9w2m7dlp-2"] = thought;
    const Json ended = world.SetRun(2, Json::Of({{"phase", "Running"}}));
    world.waiter.next.emplace_back([&] {
      world.kube.FailNext({.verb = "get", .error = away, .times = failures});
      world.SetRun(2, ended.At("status"));
      world.artifacts.logs["runs/ai/database-k4xq9w2m7dlp-2"] += thought;
    });
    return world.Run({"logs", "-f", "run/database-k4xq9w2m7dlp-2", "-n", "ai"});
  };
  ExpectGolden("logs_follow_outage", follow(3) + follow(1000));
}

}  // namespace
}  // namespace midwatch::cli
