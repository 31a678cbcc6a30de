#include "controller/reconcilers/scope/occurrence.h"

#include <gtest/gtest.h>

#include <set>

#include "controller/api/codec.h"
#include "controller/api/core.h"
#include "controller/api/dispatch.h"
#include "controller/api/missions.h"
#include "controller/object/name_rules.h"

namespace midwatch {
namespace {

constexpr WallTime kNoon{1'800'000'000'000'000};

ObjectMeta About(const std::string& uid = "uid-1") {
  ObjectMeta meta;
  meta.name = "database-abc";
  meta.namespace_name = "payments";
  meta.uid = uid;
  return meta;
}

api::Event Told(const Occurrence& it, const ObjectMeta& about = About(), WallTime now = kNoon) {
  const Record record = EventOf(api::Dispatch::Type(), about, it, now);
  EXPECT_EQ(record.create.type, api::Event::Type());
  return api::FromObject<api::Event>(Object::FromJson(record.create.object).value()).value();
}

TEST(EventOf, SaysWhatHappenedToWhich) {
  const api::Event event = Told({true, "Parked", "AgentNotFound: there is no Agent", "x"});
  EXPECT_EQ(event.metadata.namespace_name, "payments");
  EXPECT_EQ(event.involved_object.kind, "Dispatch");
  EXPECT_EQ(event.involved_object.api_version, "midwatch.dev/v1alpha1");
  EXPECT_EQ(event.involved_object.namespace_name, "payments");
  EXPECT_EQ(event.involved_object.name, "database-abc");
  EXPECT_EQ(event.involved_object.uid, "uid-1");
  EXPECT_EQ(event.type, "Warning");
  EXPECT_EQ(event.reason, "Parked");
  EXPECT_EQ(event.message, "AgentNotFound: there is no Agent");
  EXPECT_EQ(event.count, 1);
  EXPECT_EQ(event.first_timestamp, kNoon);
  EXPECT_EQ(event.last_timestamp, kNoon);
  EXPECT_EQ(event.source->component, "midwatch-controller");
  EXPECT_EQ(event.reporting_component, "midwatch-controller");
  EXPECT_EQ(Told({false, "Succeeded", "", ""}).type, "Normal");
}

TEST(EventOf, IsOneEventHoweverOftenItIsTold) {
  const Occurrence it{false, "Assigned", "to instance one", "1"};
  EXPECT_EQ(Told(it).metadata.name,
            Told(it, About(), kNoon + std::chrono::seconds(9)).metadata.name);
  std::set<std::string> names = {
      Told(it).metadata.name, Told({false, "Assigned", "", "2"}).metadata.name,
      Told({false, "Failed", "", "1"}).metadata.name, Told(it, About("uid-2")).metadata.name};
  EXPECT_EQ(names.size(), 4U);
}

TEST(EventOf, IsCutToWhatAnEventHolds) {
  ObjectMeta about = About();
  about.name = std::string(253, 'a');
  const api::Event event = Told({false, "Failed", std::string(5'000, 'x'), ""}, about);
  EXPECT_LE(event.metadata.name.size(), 253U);
  EXPECT_EQ(event.message.size(), 1'024U);
}

TEST(EventOf, HasANameWhereverThatOfTheObjectIsCut) {
  for (const std::string middle : {".", "-", "--", ".a-", "a--"}) {
    for (std::size_t at = 195; at < 203; ++at) {
      ObjectMeta about = About();
      about.name = std::string(at, 'a') + middle + "a";
      ASSERT_EQ(CheckDnsSubdomain(about.name), std::nullopt) << about.name;
      const std::string name = Told({false, "Failed", "", ""}, about).metadata.name;
      EXPECT_EQ(CheckDnsSubdomain(name), std::nullopt) << name;
    }
  }
}

TEST(EventOf, OfAClusterScopedObjectStandsInDefault) {
  ObjectMeta about = About();
  about.namespace_name.clear();
  const Record record = EventOf(api::OrganizationMission::Type(), about, {}, kNoon);
  EXPECT_EQ(record.create.object.At("metadata", "namespace").AsString(), "default");
}

}  // namespace
}  // namespace midwatch
