#include "controller/reconcilers/gitsource/gitsource_plan.h"

#include <gtest/gtest.h>

#include "controller/api/codec.h"
#include "controller/manifest/ordering.h"
#include "controller/reconcilers/gitsource/sync_news.h"
#include "controller/reconcilers/gitsource/test_source.h"

namespace midwatch::gitsource {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr MonoTime kNow{1'000'000'000};
constexpr WallTime kWall{1'772'452'800'000'000};

FetchSpec SpecOf(const api::GitSource& source) { return FetchSpecFor(source, "midwatch"); }

/// An outcome of the source's present spec, `age` old.
FetchOutcome Outcome(const api::GitSource& source, Duration age) {
  FetchOutcome outcome;
  outcome.fingerprint = SpecOf(source).Fingerprint();
  outcome.finished = {kWall - age, kNow - age};
  outcome.snapshot = std::make_shared<Snapshot>();
  return outcome;
}

// ---- PlanFetch

struct FetchCase {
  const char* name;
  std::function<void(api::GitSource&)> source;
  std::function<std::optional<FetchOutcome>(const api::GitSource&)> outcome;
  bool start;
  std::optional<Duration> wake;  // From the end of the last fetch.
};

class PlanFetchTest : public testing::TestWithParam<FetchCase> {};

TEST_P(PlanFetchTest, StartsOrWaits) {
  const FetchCase& c = GetParam();
  api::GitSource source = TestSource();
  const std::optional<FetchOutcome> outcome = c.outcome(source);
  c.source(source);
  const FetchDecision decision =
      PlanFetch(source, SpecOf(source), outcome ? &*outcome : nullptr, kNow);
  EXPECT_EQ(decision.start, c.start);
  EXPECT_EQ(decision.wake_at,
            c.wake ? std::optional(outcome->finished.mono + *c.wake) : std::nullopt);
}

const Duration kMinute = JitteredInterval("midwatch/infra", minutes(1));
const auto kAsIs = [](api::GitSource&) {};
const auto kNothing = [](const api::GitSource&) { return std::optional<FetchOutcome>(); };
const auto kFresh = [](const api::GitSource& s) { return std::optional(Outcome(s, seconds(10))); };
const auto kOld = [](const api::GitSource& s) { return std::optional(Outcome(s, minutes(2))); };
auto Failed(int failures, Duration age) {
  return [=](const api::GitSource& source) {
    FetchOutcome outcome = Outcome(source, age);
    outcome.failures = failures;
    outcome.error = Error{ErrorCode::kUnavailable, "x"};
    return std::optional(outcome);
  };
}
void Ask(api::GitSource& source) {
  source.metadata.annotations["midwatch.dev/sync-requested-at"] = "now";
}

INSTANTIATE_TEST_SUITE_P(
    Rules, PlanFetchTest,
    testing::Values(
        FetchCase{"NothingFetchedYet", kAsIs, kNothing, true, {}},
        FetchCase{"FreshWaitsForTheInterval", kAsIs, kFresh, false, kMinute},
        FetchCase{"OldIsFetched", kAsIs, kOld, true, {}},
        FetchCase{
            "SuspendedNever", [](api::GitSource& s) { s.spec.suspend = true; }, kOld, false, {}},
        FetchCase{"SuspendedNotEvenFirst",
                  [](api::GitSource& s) { s.spec.suspend = true; },
                  kNothing,
                  false,
                  {}},
        FetchCase{"AskedIsFetched", Ask, kFresh, true, {}},
        FetchCase{"AskedAndHandledWaits",
                  [](api::GitSource& s) {
                    Ask(s);
                    s.status.last_handled_sync_request = "now";
                  },
                  kFresh, false, kMinute},
        FetchCase{
            "OtherUrlIsFetched", [](api::GitSource& s) { s.spec.url += "x"; }, kFresh, true, {}},
        FetchCase{"OtherRefIsFetched",
                  [](api::GitSource& s) { s.spec.ref = api::GitRef{.branch = "x"}; },
                  kFresh,
                  true,
                  {}},
        FetchCase{
            "OtherPathIsFetched", [](api::GitSource& s) { s.spec.path = "x"; }, kFresh, true, {}},
        FetchCase{"OtherSecretIsFetched",
                  [](api::GitSource& s) { s.spec.secret_ref = api::NameRef{.name = "x"}; },
                  kFresh,
                  true,
                  {}},
        FetchCase{"OtherPolicyIsNot", [](api::GitSource& s) { s.spec.prune = false; }, kFresh,
                  false, kMinute},
        FetchCase{"FirstFailureRetriesSoon", kAsIs, Failed(1, seconds(1)), false, kFirstRetry},
        FetchCase{"RetriesLaterEachTime", kAsIs, Failed(3, seconds(1)), false, 4 * kFirstRetry},
        FetchCase{"NeverLaterThanTheInterval", kAsIs, Failed(40, seconds(1)), false, kMinute},
        FetchCase{"RetryIsDue", kAsIs, Failed(1, seconds(6)), true, {}}),
    [](const auto& suite) { return std::string(suite.param.name); });

// What no status could hold would keep the source's status from ever being written.
TEST(FetchSpecTest, ASyncRequestIsWhatAStatusCanHold) {
  api::GitSource source;
  source.metadata.annotations["midwatch.dev/sync-requested-at"] = std::string(300, 'x');
  const FetchSpec spec = FetchSpecFor(source, "midwatch-system");
  EXPECT_EQ(spec.sync_request, std::string(kLongestSyncRequest, 'x'));
  FetchOutcome outcome;
  outcome.fingerprint = spec.Fingerprint();
  EXPECT_TRUE(PlanFetch(source, spec, &outcome, {}).start);
  source.status.last_handled_sync_request = spec.sync_request;
  EXPECT_FALSE(PlanFetch(source, spec, &outcome, {}).start);
}

TEST(JitteredIntervalTest, SpreadsSourcesWithinTheShareAndIsSteady) {
  std::set<Duration> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string source = "ns/source" + std::to_string(i);
    const Duration interval = JitteredInterval(source, minutes(10));
    EXPECT_EQ(interval, JitteredInterval(source, minutes(10)));
    EXPECT_GE(interval, seconds(570));
    EXPECT_LE(interval, seconds(630));
    seen.insert(interval);
  }
  EXPECT_GT(seen.size(), 190u);
  EXPECT_GE(JitteredInterval("a/b", Duration(0)), kShortestInterval * 95 / 100);
}

// ---- NextWave

manifest::SyncStep Step(manifest::SyncVerb verb, const std::string& kind, const std::string& name) {
  manifest::SyncStep step;
  step.verb = verb;
  step.type = TestSchemas().Find(kind == "Namespace" ? "v1" : "midwatch.dev/v1alpha1", kind)->type;
  step.key = {step.type.Resource(), "", name};
  step.order = manifest::WriteStep(step.type);
  return step;
}

struct WaveCase {
  const char* name;
  std::vector<manifest::SyncStep> steps;
  std::vector<int> held;
  std::vector<std::size_t> want;
};

class NextWaveTest : public testing::TestWithParam<WaveCase> {};

TEST_P(NextWaveTest, TakesTheFirstGroupThatIsLeft) {
  manifest::SyncPlan plan;
  plan.steps = GetParam().steps;
  std::set<ObjectKey> held;
  for (const int at : GetParam().held) {
    held.insert(plan.steps[static_cast<std::size_t>(at)].key);
  }
  EXPECT_EQ(NextWave(plan, held), GetParam().want);
}

using enum manifest::SyncVerb;
INSTANTIATE_TEST_SUITE_P(
    Waves, NextWaveTest,
    testing::Values(WaveCase{"NothingLeft", {}, {}, {}},
                    WaveCase{"NamespacesBeforeModules",
                             {Step(kCreate, "Namespace", "a"), Step(kUpdate, "Namespace", "b"),
                              Step(kCreate, "Module", "c")},
                             {},
                             {0, 1}},
                    WaveCase{"ModulesBeforeAgents",
                             {Step(kCreate, "Module", "a"), Step(kCreate, "Agent", "b")},
                             {},
                             {0}},
                    WaveCase{"HeldIsPassedOver",
                             {Step(kCreate, "Module", "a"), Step(kCreate, "Module", "b"),
                              Step(kCreate, "Agent", "c")},
                             {0},
                             {1}},
                    WaveCase{"HeldGroupIsPassedOver",
                             {Step(kCreate, "Module", "a"), Step(kCreate, "Agent", "b")},
                             {0},
                             {1}},
                    WaveCase{"PrunesComeLast",
                             {Step(kCreate, "Module", "a"), Step(kPrune, "Module", "b")},
                             {},
                             {0}},
                    WaveCase{"NoPruneWhileAWriteIsHeld",
                             {Step(kCreate, "Module", "a"), Step(kPrune, "Module", "b")},
                             {0},
                             {}},
                    WaveCase{"PruneGroupByGroup",
                             {Step(kPrune, "Agent", "a"), Step(kPrune, "Module", "b")},
                             {},
                             {0}},
                    WaveCase{"HeldPruneIsPassedOver",
                             {Step(kPrune, "Agent", "a"), Step(kPrune, "Module", "b")},
                             {0},
                             {1}}),
    [](const auto& suite) { return std::string(suite.param.name); });

// ---- RevisionToApply

TEST(RevisionToApplyTest, AtomicStaysAtTheLastGoodRevision) {
  FetchOutcome outcome;
  auto bad = std::make_shared<Snapshot>();
  bad->declared.errors.emplace_back();
  outcome.snapshot = bad;
  outcome.valid = std::make_shared<Snapshot>();
  api::GitSource source = TestSource();
  EXPECT_EQ(RevisionToApply(source, outcome), outcome.valid.get());
  source.spec.failure_policy = api::FailurePolicy::kSkipInvalid;
  EXPECT_EQ(RevisionToApply(source, outcome), bad.get());
  source.spec.failure_policy = api::FailurePolicy::kAtomic;
  outcome.valid = nullptr;
  EXPECT_EQ(RevisionToApply(source, outcome), nullptr);
  outcome.snapshot = std::make_shared<Snapshot>();
  EXPECT_EQ(RevisionToApply(source, outcome), outcome.snapshot.get());
}

// ---- PlanStatus

class PlanStatusTest : public testing::Test {
 protected:
  PlanStatusTest() {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->revision = {.commit = "0123456789abcdef", .tree = "tree"};
    outcome_ = Outcome(source_, seconds(1));
    outcome_.snapshot = snapshot;
    outcome_.valid = snapshot;
    outcome_.fetch_time = std::chrono::milliseconds(7);
    outcome_.load_time = std::chrono::milliseconds(8);
    state_.outcome = &outcome_;
    state_.revision = snapshot.get();
    state_.plan = &plan_;
    state_.done = true;
  }

  /// The status now; the next is planned on top of it.
  const api::GitSourceStatus& Next(Duration later = Duration(0)) {
    source_.status = PlanStatus(source_, state_, kWall + later);
    return source_.status;
  }

  std::string Condition(std::string_view type) const {
    for (const api::Condition& condition : source_.status.conditions) {
      if (condition.type == type) {
        return std::string(api::ToString(condition.status)) + " " + condition.reason + ": " +
               condition.message;
      }
    }
    return "none";
  }

  manifest::ManifestError BadField() const {
    manifest::ManifestError error;
    error.code = manifest::ManifestErrorCode::kUnknownField;
    error.path = "m.yaml";
    error.at = {3, 5};
    error.object = "Module payments/db";
    error.field = "spec.displayNmae";
    error.message = "unknown field";
    return error;
  }

  api::GitSource source_ = TestSource();
  FetchOutcome outcome_;
  manifest::SyncPlan plan_;
  SyncState state_;
};

TEST_F(PlanStatusTest, ASyncThatIsDoneIsReady) {
  plan_.unchanged = 5;
  state_.inventory = 5;
  state_.attempt = Attempt{.created = 3, .started = {0}, .ended = MonoTime{9'000}};
  outcome_.sync_request = "now";
  const api::GitSourceStatus& status = Next();
  EXPECT_EQ(status.observed_generation, 1);
  EXPECT_TRUE(status.active);
  EXPECT_EQ(status.attempted->revision, "0123456789abcdef");
  EXPECT_EQ(status.applied, status.attempted);
  EXPECT_EQ(status.counts, (api::SyncCounts{.created = 3, .unchanged = 2, .total = 5}));
  EXPECT_EQ(status.durations, (api::SyncDurations{7, 8, 9}));
  EXPECT_EQ(status.last_handled_sync_request, "now");
  EXPECT_EQ(Condition("Ready"), "True Succeeded: 0123456789ab is in force: 5 objects");
  EXPECT_EQ(Condition("Reconciling"), "False Succeeded: ");
  EXPECT_EQ(Condition("Stalled"), "False Succeeded: ");
}

TEST_F(PlanStatusTest, NothingNewWritesNothing) {
  plan_.unchanged = 5;
  state_.inventory = 5;
  state_.attempt = Attempt{.created = 5, .started = {0}, .ended = MonoTime{9'000}};
  const api::GitSourceStatus first = Next();
  EXPECT_EQ(Next(seconds(1)), first);
  state_.attempt.reset();
  outcome_.fetch_time = seconds(3);
  EXPECT_EQ(Next(seconds(60)), first);
}

TEST_F(PlanStatusTest, ARevisionIsToldOnceItIsInForceOrWasRefused) {
  const auto told = [&](Duration later) {
    const api::GitSourceStatus before = source_.status;
    const auto news = NewsOf(before, Next(later));
    const Occurrence it = news ? OccurrenceOf(*news) : Occurrence();
    return news ? (it.warning ? "Warning " : "Normal ") + it.reason + ": " + it.message : "";
  };
  EXPECT_EQ(told(seconds(0)), "Normal Applied: 0123456789ab is in force: 0 objects");
  EXPECT_EQ(told(seconds(1)), "");
  const auto good = outcome_.snapshot;
  auto bad = std::make_shared<Snapshot>();
  bad->revision = {.commit = "badbadbadbadbadbad", .tree = "other"};
  bad->declared.errors = {BadField()};
  outcome_.snapshot = bad;
  EXPECT_TRUE(told(seconds(2)).starts_with("Warning InvalidRevision: badbadbadbad has 1 error"));
  EXPECT_EQ(told(seconds(3)), "");
  auto worse = std::make_shared<Snapshot>(*bad);
  worse->revision.commit = "worseworseworse";
  outcome_.snapshot = worse;
  EXPECT_TRUE(told(seconds(4)).starts_with("Warning InvalidRevision: worseworsewo has 1 error"));
  outcome_.error = Error{ErrorCode::kUnavailable, "no route"};
  EXPECT_EQ(told(seconds(5)), "Warning Unreachable: fetch: no route");
  EXPECT_EQ(told(seconds(6)), "");
  outcome_.error.reset();
  outcome_.snapshot = good;
  state_.revision = good.get();
  EXPECT_EQ(told(seconds(7)), "Normal Recovered: 0123456789ab is in force: 0 objects");
}

TEST_F(PlanStatusTest, ANewCommitWithTheSameTreeIsRecorded) {
  Next();
  auto moved = std::make_shared<Snapshot>(*outcome_.snapshot);
  moved->revision.commit = "fedcba9876543210";
  outcome_.snapshot = moved;
  state_.revision = moved.get();
  const api::GitSourceStatus& status = Next(seconds(5));
  EXPECT_EQ(status.applied->revision, "fedcba9876543210");
  EXPECT_EQ(status.applied->at, kWall + seconds(5));
}

TEST_F(PlanStatusTest, ErrorsOfAnAtomicRevisionAreShownAndTheOldOneStays) {
  Next();
  auto bad = std::make_shared<Snapshot>();
  bad->revision = {.commit = "badbadbadbadbadbad", .tree = "other"};
  bad->declared.errors.assign(150, BadField());
  outcome_.snapshot = bad;
  const api::GitSourceStatus& status = Next(seconds(5));
  EXPECT_EQ(status.attempted->revision, "badbadbadbadbadbad");
  EXPECT_EQ(status.applied->revision, "0123456789abcdef");
  EXPECT_EQ(status.error_count, 150);
  ASSERT_EQ(status.errors.size(), kMaxErrorsShown);
  EXPECT_EQ(status.errors[0].line, 3);
  EXPECT_EQ(status.errors[0].column, 5);
  EXPECT_EQ(status.errors[0].code, "UnknownField");
  EXPECT_EQ(status.errors[0].object, "Module payments/db");
  EXPECT_EQ(status.failing_since, kWall + seconds(5));
  EXPECT_EQ(Condition("Ready"),
            "False InvalidRevision: badbadbadbad has 150 errors, nothing of it is written: "
            "m.yaml:3:5: spec.displayNmae: unknown field");
  EXPECT_EQ(Condition("Stalled").substr(0, 4), "True");
  const api::GitSourceStatus failing = source_.status;
  EXPECT_EQ(Next(seconds(60)), failing);
}

TEST_F(PlanStatusTest, SkipInvalidAppliesTheRestAndSaysSoButTheRevisionIsNotApplied) {
  Next();
  auto partly = std::make_shared<Snapshot>();
  partly->revision = {.commit = "partpartpartpart", .tree = "other"};
  outcome_.snapshot = partly;
  state_.revision = partly.get();
  state_.attempt = Attempt{.updated = 1, .started = {0}, .ended = MonoTime{9'000}};
  plan_.errors = {BadField()};
  plan_.unchanged = 2;
  const api::GitSourceStatus status = Next(seconds(5));
  EXPECT_EQ(status.attempted->revision, "partpartpartpart");
  EXPECT_EQ(status.applied->revision, "0123456789abcdef");
  EXPECT_EQ(status.error_count, 1);
  EXPECT_EQ(Condition("Ready"),
            "False PartlyApplied: partpartpart has 1 error, the rest of it is written: "
            "m.yaml:3:5: spec.displayNmae: unknown field");
  EXPECT_EQ(Condition("Stalled").substr(0, 4), "True");
  EXPECT_TRUE(status.failing_since.has_value());
  EXPECT_EQ(status.counts->updated, 1);
  state_.attempt.reset();
  EXPECT_EQ(Next(seconds(60)), status) << "nothing is written again";
  plan_.errors.clear();
  EXPECT_EQ(Next(seconds(90)).applied->revision, "partpartpartpart");
}

TEST_F(PlanStatusTest, ARefusedWriteIsAnErrorAndTheRevisionIsNotApplied) {
  state_.refused = {{{"modules.midwatch.dev", "payments", "db"}, {ErrorCode::kForbidden, "no"}}};
  const api::GitSourceStatus& status = Next();
  EXPECT_FALSE(status.applied.has_value());
  EXPECT_EQ(status.counts->failed, 1);
  EXPECT_EQ(status.errors.at(0).code, "WriteRefused");
  EXPECT_EQ(status.errors.at(0).object, "modules.midwatch.dev/payments/db");
  EXPECT_EQ(status.errors.at(0).message, "no");
  state_.refused.clear();
  EXPECT_TRUE(Next(seconds(9)).applied.has_value());
  EXPECT_FALSE(source_.status.failing_since.has_value());
}

TEST_F(PlanStatusTest, AFailedFetchKeepsWhatIsKnownAndSaysSinceWhen) {
  Next();
  struct Case {
    ErrorCode code;
    std::string reason;
    bool stalled;
  };
  using enum ErrorCode;
  for (const Case& c :
       {Case{kUnauthorized, "LoginRefused", false}, Case{kNotFound, "NotFound", false},
        Case{kTimeout, "Timeout", false}, Case{kTooLarge, "TooLarge", false},
        Case{kInvalid, "InvalidSource", true}, Case{kForbidden, "InvalidSource", true},
        Case{kInsufficientStorage, "DiskFull", false}, Case{kInternal, "FetchFailed", false},
        Case{kUnavailable, "Unreachable", false}}) {
    outcome_.error = Error{c.code, "why"};
    const api::GitSourceStatus& status = Next(seconds(7));
    EXPECT_EQ(status.applied->revision, "0123456789abcdef");
    EXPECT_EQ(status.failing_since, kWall + seconds(7));
    EXPECT_EQ(Condition("Ready"), "False " + c.reason + ": fetch: why");
    EXPECT_EQ(Condition("Stalled").substr(0, 4), c.stalled ? "True" : "Fals");
    EXPECT_EQ(Condition("Reconciling").substr(0, 4), c.stalled ? "Fals" : "True");
  }
  outcome_.error.reset();
  EXPECT_FALSE(Next(seconds(9)).failing_since.has_value());
}

TEST_F(PlanStatusTest, TheFirstLookSaysThatItIsFetching) {
  state_ = {};
  EXPECT_EQ(Next().observed_generation, 1);
  EXPECT_EQ(Condition("Ready"), "False Fetching: fetching the repository");
  EXPECT_EQ(Condition("Reconciling").substr(0, 4), "True");
}

TEST_F(PlanStatusTest, AfterARestartTheStatusStaysUntilSomethingIsKnown) {
  const api::GitSourceStatus before = Next();
  state_ = {};
  EXPECT_EQ(Next(seconds(5)), before);
}

TEST_F(PlanStatusTest, SuspendedIsNotActive) {
  Next();
  source_.spec.suspend = true;
  EXPECT_FALSE(Next().active);
  EXPECT_EQ(Condition("Ready"), "True Suspended: not synced while suspended");
}

}  // namespace
}  // namespace midwatch::gitsource
