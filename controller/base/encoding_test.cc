#include "controller/base/encoding.h"

#include <gtest/gtest.h>

namespace midwatch {
namespace {

struct Base64Case {
  const char* plain;
  const char* encoded;
};

class Base64Test : public testing::TestWithParam<Base64Case> {};

TEST_P(Base64Test, GoesThereAndBack) {
  EXPECT_EQ(Base64Encode(GetParam().plain), GetParam().encoded);
  EXPECT_EQ(Base64Decode(GetParam().encoded).value_or("refused"), GetParam().plain);
}

INSTANTIATE_TEST_SUITE_P(Rfc4648, Base64Test,
                         testing::Values(Base64Case{"", ""}, Base64Case{"f", "Zg=="},
                                         Base64Case{"fo", "Zm8="}, Base64Case{"foo", "Zm9v"},
                                         Base64Case{"foob", "Zm9vYg=="},
                                         Base64Case{"fooba", "Zm9vYmE="},
                                         Base64Case{"foobar", "Zm9vYmFy"},
                                         Base64Case{"\xFB\xFF\xFE", "+//+"}));

TEST(Base64Test, KeepsNulBytes) {
  const std::string bytes("\0a\0", 3);
  EXPECT_EQ(*Base64Decode(Base64Encode(bytes)), bytes);
}

TEST(Base64Test, RefusesWhatIsNotBase64) {
  for (const char* bad : {"Zg", "Zg=", "Zg===", "====", "Z===", "Zm9v\n", "Zm 9v", "Zm9v Zm9",
                          "-_-_", "Zg==Zg==", "Zm=v", "Zm9v!", "=Zm9"}) {
    const auto decoded = Base64Decode(bad);
    ASSERT_FALSE(decoded) << bad;
    EXPECT_EQ(decoded.error().code, ErrorCode::kInvalid);
  }
}

TEST(PercentTest, EncodesEverythingButUnreserved) {
  EXPECT_EQ(PercentEncode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(PercentEncode("a b/c?d=e&f%\xC3\xA9"), "a%20b%2Fc%3Fd%3De%26f%25%C3%A9");
}

TEST(PercentTest, Decodes) {
  EXPECT_EQ(*PercentDecode("a%20b%2fc%2F", false), "a b/c/");
  EXPECT_EQ(*PercentDecode("a+b%2B", true), "a b+");
  EXPECT_EQ(*PercentDecode("a+b", false), "a+b");
  EXPECT_EQ(*PercentDecode("%41", false), "A");
  for (const char* bad : {"%", "%4", "a%", "%zz", "%4g", "%-1"}) {
    const auto decoded = PercentDecode(bad, false);
    ASSERT_FALSE(decoded) << bad;
    EXPECT_EQ(decoded.error().code, ErrorCode::kBadRequest);
  }
}

}  // namespace
}  // namespace midwatch
