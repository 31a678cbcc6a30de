#include <gtest/gtest.h>

#include "controller/apiserver/continue_token.h"
#include "controller/apiserver/test_world.h"

namespace midwatch::apiserver {
namespace {

std::string Names(const ListAnswer& list) {
  std::string out;
  for (const VersionPtr& item : list.items) {
    out += (out.empty() ? "" : " ") + item->key().name;
  }
  return out;
}

class StorageListTest : public testing::Test {
 protected:
  StorageListTest() {
    for (int i = 0; i < 5; ++i) {
      world_.CreateWidget("l" + std::to_string(i), R"({"size":)" + std::to_string(10 + i) + "}",
                          R"({"labels":{"odd":")" + std::to_string((i + 1) % 2) + "\"}}");
    }
  }
  ListCall All() const { return {.identity = world_.who, .target = world_.Widget("")}; }
  Result<ListAnswer> List(const ListCall& call) { return world_.api().List(call); }
  std::string Revision() { return std::to_string(world_.storage().Revision()); }

  TestWorld world_;
};

TEST_F(StorageListTest, PagesShowOneMoment) {
  ListCall call = All();
  call.limit = 2;
  auto page = List(call);
  ASSERT_TRUE(page);
  EXPECT_EQ(Names(*page), "l0 l1");
  EXPECT_EQ(page->remaining, 3);
  const std::int64_t moment = page->revision;
  world_.CreateWidget("l11");
  world_.Delete(world_.Widget("l3"));
  world_.Patch(world_.Widget("l4"), R"({"spec":{"replicas":9}})");
  call.continue_token = page->continue_token;
  page = List(call);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(Names(*page), "l2 l3") << "as it was, though l3 is gone and l11 has come";
  EXPECT_EQ(page->revision, moment);
  EXPECT_EQ(page->remaining, 1);
  call.continue_token = page->continue_token;
  page = List(call);
  ASSERT_TRUE(page);
  EXPECT_EQ(Names(*page), "l4");
  EXPECT_EQ(page->items[0]->object().Body().At("spec", "replicas").AsInt(), 1);
  EXPECT_EQ(page->continue_token, "");
  EXPECT_FALSE(page->remaining);
}

TEST_F(StorageListTest, PagesAreWholeHoweverMuchOfWhatFollowedIsGone) {
  ListCall call = All();
  call.limit = 1;
  auto page = List(call);
  ASSERT_TRUE(page);
  for (const char* gone : {"l1", "l2", "l3"}) {
    world_.Delete(world_.Widget(gone));
  }
  std::string names = Names(*page);
  for (std::int64_t left = 4; !page->continue_token.empty(); --left) {
    EXPECT_EQ(page->remaining, left);
    call.continue_token = page->continue_token;
    page = List(call);
    ASSERT_TRUE(page);
    ASSERT_EQ(page->items.size(), 1U);
    names += " " + Names(*page);
  }
  EXPECT_EQ(names, "l0 l1 l2 l3 l4");
}

TEST_F(StorageListTest, AFirstPageOfThePastCountsWhatWasThereThen) {
  ListCall call = All();
  call.resource_version = Revision();
  call.match = VersionMatch::kExact;
  call.limit = 2;
  world_.Delete(world_.Widget("l0"));
  const auto page = List(call);
  ASSERT_TRUE(page);
  EXPECT_EQ(Names(*page), "l0 l1");
  EXPECT_EQ(page->remaining, 3);
}

// kubeapi-samples/raw-list-watch.txt
struct ListCase {
  const char* name;
  std::string labels;
  std::string fields;
  std::string version;  ///< `now`: the present one. `now-2`: two changes ago.
  VersionMatch match = VersionMatch::kUnset;
  std::string want;  ///< The names, or a part of the message after `!`.
  ErrorCode code = ErrorCode::kInternal;
  std::int64_t limit = 0;
  std::string token = {};
};

class StorageListCaseTest : public StorageListTest, public testing::WithParamInterface<ListCase> {};

TEST_P(StorageListCaseTest, AnswersAsKubernetesDoes) {
  const ListCase& c = GetParam();
  ListCall call = All();
  call.label_selector = c.labels;
  call.field_selector = c.fields;
  call.match = c.match;
  call.limit = c.limit;
  call.continue_token = c.token;
  call.resource_version = c.version;
  if (c.version.starts_with("now")) {
    const int back = c.version.size() > 4 ? c.version[4] - '0' : 0;
    call.resource_version = std::to_string(world_.storage().Revision() - back);
  }
  const auto list = List(call);
  if (!c.want.starts_with('!')) {
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_EQ(Names(*list), c.want);
    return;
  }
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, c.code) << list.error().message;
  EXPECT_NE(list.error().message.find(c.want.substr(1)), std::string::npos) << list.error().message;
}

std::string Repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

constexpr auto kNone = VersionMatch::kUnset;
constexpr auto kExact = VersionMatch::kExact;
constexpr auto kNotOlder = VersionMatch::kNotOlderThan;

INSTANTIATE_TEST_SUITE_P(
    Rows, StorageListCaseTest,
    testing::Values(
        ListCase{"Everything", "", "", "", kNone, "l0 l1 l2 l3 l4"},
        ListCase{"AnyVersion", "", "", "0", kNone, "l0 l1 l2 l3 l4"},
        ListCase{"AnyVersionHasNoPages", "", "", "0", kNone, "l0 l1 l2 l3 l4", ErrorCode::kInternal,
                 2},
        ListCase{"AtLeast", "", "", "now", kNotOlder, "l0 l1 l2 l3 l4"},
        ListCase{"Exactly", "", "", "now-2", kExact, "l0 l1 l2"},
        ListCase{"ExactlyTheStart", "", "", "now-5", kExact, ""},
        ListCase{"TooManyRequirements", Repeated("!a,", kMaxRequirements) + "!a", "", "", kNone,
                 "!at most 100 requirements", ErrorCode::kBadRequest},
        ListCase{"TooManyOfBoth", "odd=1", Repeated("metadata.name!=x,", kMaxRequirements), "",
                 kNone, "!at most 100 requirements", ErrorCode::kBadRequest},
        ListCase{"ManyRequirements", "odd=1", Repeated("metadata.name!=x,", kMaxRequirements - 1),
                 "", kNone, "l0 l2 l4"},
        ListCase{"ByLabel", "odd=1", "", "", kNone, "l0 l2 l4"},
        ListCase{"ByLabelAndPage", "odd=1", "", "", kNone, "l0 l2", ErrorCode::kInternal, 2},
        ListCase{"ByField", "", "spec.size=11", "", kNone, "l1"},
        ListCase{"ByFields", "", "spec.size!=11,metadata.name!=l0", "", kNone, "l2 l3 l4"},
        ListCase{"ByName", "", "metadata.name=l3", "", kNone, "l3"},
        ListCase{"ByNamespace", "", "metadata.namespace=default", "", kNone, "l0 l1 l2 l3 l4"},
        ListCase{"TheFuture", "", "", "100521", kNotOlder,
                 "!Too large resource version: 100521, current: ", ErrorCode::kTimeout},
        ListCase{"NoNumber", "", "", "abc", kNone, "!\"abc\"", ErrorCode::kBadRequest},
        ListCase{"MatchWithoutVersion", "", "", "", kNotOlder,
                 "!resourceVersionMatch is forbidden unless resourceVersion is provided",
                 ErrorCode::kInvalid},
        ListCase{"ExactlyAnything", "", "", "0", kExact, "!is forbidden for resourceVersion \"0\"",
                 ErrorCode::kInvalid},
        ListCase{"BadLabels", "a b", "", "", kNone, "!", ErrorCode::kBadRequest},
        ListCase{"BadFields", "", "spec.size>10", "", kNone, "!", ErrorCode::kBadRequest},
        ListCase{"UnknownField", "", "spec.note=x", "", kNone,
                 "!field label not supported: spec.note (widgets.demo.example.io have "
                 "metadata.name, metadata.namespace, spec.color, spec.size)",
                 ErrorCode::kBadRequest},
        ListCase{"NoToken", "", "", "", kNone, "!invalid continue token", ErrorCode::kBadRequest, 2,
                 "xyz"},
        ListCase{"TokenAndVersion", "", "", "now", kNone,
                 "!specifying resource version is not allowed when using continue",
                 ErrorCode::kBadRequest, 2,
                 ContinueToken{.revision = 5, .namespace_name = "default", .name = "l1"}.Encode()}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(StorageListBoundsTest, WhatTheLogHasForgottenIsExpired) {
  StorageOptions options;
  options.log_max_changes = 3;
  TestWorld world(options);
  world.CreateWidget("a");
  world.CreateWidget("b");
  ListCall call{.identity = world.who, .target = world.Widget("")};
  call.limit = 1;
  const auto page = world.api().List(call);
  ASSERT_TRUE(page);
  for (const char* name : {"c", "d", "e", "f"}) {
    world.CreateWidget(name);
  }
  call.continue_token = page->continue_token;
  const auto next = world.api().List(call);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::kExpired);
  ListCall exact{.identity = world.who, .target = world.Widget("")};
  exact.resource_version = std::to_string(page->revision);
  exact.match = VersionMatch::kExact;
  EXPECT_EQ(world.api().List(exact).error().code, ErrorCode::kExpired);
}

TEST_F(StorageListTest, SerialisesByJoining) {
  ListCall call = All();
  call.limit = 2;
  const auto list = List(call);
  const std::string text = SerializeList(*call.target.resource, *list);
  const Json parsed = J(text);
  EXPECT_EQ(parsed.Dump(), text) << "members sorted, no white space";
  EXPECT_EQ(parsed.At("kind").AsString(), "WidgetList");
  EXPECT_EQ(parsed.At("items").Items().size(), 2U);
  EXPECT_EQ(parsed.At("metadata", "remainingItemCount").AsInt(), 3);
  EXPECT_EQ(parsed.At("metadata", "resourceVersion").AsString(), Revision());
  call.field_selector = "metadata.name=nobody";
  EXPECT_TRUE(J(SerializeList(*call.target.resource, *List(call))).At("items").IsArray());
}

TEST_F(StorageListTest, GetsRefuseTheFuture) {
  const auto got = world_.api().Get(
      {.identity = world_.who, .target = world_.Widget("l0"), .resource_version = "5521"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kTimeout);
  EXPECT_NE(got.error().details.find("ResourceVersionTooLarge"), std::string::npos);
  EXPECT_TRUE(world_.api().Get(
      {.identity = world_.who, .target = world_.Widget("l0"), .resource_version = "0"}));
}

TEST_F(StorageListTest, DeletesACollection) {
  std::optional<Result<ListAnswer>> answer;
  ListCall call = All();
  call.label_selector = "odd=1";
  world_.api().DeleteCollection(call, {}, {},
                                [&](Result<ListAnswer> result) { answer = std::move(result); });
  world_.Settle();
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ(Names(**answer), "l0 l2 l4");
  EXPECT_EQ(Names(*List(All())), "l1 l3");
  for (int i = 0; i < 200; ++i) {
    world_.CreateWidget("many-" + std::to_string(i));
  }
  answer.reset();
  world_.api().DeleteCollection(All(), {}, {},
                                [&](Result<ListAnswer> result) { answer = std::move(result); });
  world_.Settle();
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ(Names(*List(All())), "");
}

TEST(ContinueTokenTest, ComesBackAsItWent) {
  const ContinueToken token{.revision = 522, .namespace_name = "payments", .name = "l1", .left = 7};
  const auto back = ContinueToken::Decode(token.Encode());
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, token);
  for (const char* bad : {"", "xyz", "e30", "eyJ2IjoieCIsInJ2IjoxLCJzdGFydCI6ImEifQ"}) {
    EXPECT_FALSE(ContinueToken::Decode(bad)) << bad;
  }
}

}  // namespace
}  // namespace midwatch::apiserver
