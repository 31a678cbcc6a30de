#include "controller/apiserver/recent_bodies.h"

#include <gtest/gtest.h>

#include <string>

namespace midwatch::apiserver {
namespace {

Object Named(const std::string& name) {
  return *Object::FromJson(Json::Of({{"metadata", Json::Of({{"name", name}})}}));
}

bool IsKept(const Object& object) { return object.Body().SharesWith(object.Body()); }

TEST(RecentBodiesTest, KeepsTheNewestWithinItsBytes) {
  const Object first = Named("a");
  const Object second = Named("b");
  const Object third = Named("c");
  {
    RecentBodies recent(2 * first.bytes().size());
    recent.Keep(first, first.Body());
    recent.Keep(second, second.Body());
    EXPECT_TRUE(IsKept(first) && IsKept(second));
    recent.Keep(third, third.Body());
    EXPECT_FALSE(IsKept(first));
    EXPECT_TRUE(IsKept(second) && IsKept(third));
    recent.Keep(Named(std::string(1000, 'x')), Json::EmptyObject());
    EXPECT_FALSE(IsKept(second) || IsKept(third));
    recent.Keep(first, first.Body());
    EXPECT_TRUE(IsKept(first));
  }
  EXPECT_FALSE(IsKept(first));
  EXPECT_EQ(first.Body().At("metadata", "name").AsString(), "a");
}

}  // namespace
}  // namespace midwatch::apiserver
