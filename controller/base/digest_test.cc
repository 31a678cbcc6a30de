#include "controller/base/digest.h"

#include <gtest/gtest.h>

#include <string>

namespace midwatch {
namespace {

constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(DigestTest, IsSha256) {  // Vectors of FIPS 180-4.
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), kAbc);
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(DigestTest, StreamsInPieces) {
  Sha256 stream;
  stream.Update("a");
  stream.Update("");
  stream.Update("bc");
  EXPECT_EQ(stream.FinishHex(), kAbc);
}

TEST(DigestTest, AddressesAreRecognised) {
  EXPECT_EQ(DigestOf("abc"), std::string("sha256:") + kAbc);
  EXPECT_TRUE(IsDigest(DigestOf("abc")));
  for (const std::string& bad : {std::string(), std::string(kAbc), "sha256:" + std::string(63, 'a'),
                                 "sha256:" + std::string(65, 'a'), "sha256:" + std::string(64, 'A'),
                                 "sha256:" + std::string(64, 'g'), "md5:" + std::string(64, 'a')}) {
    EXPECT_FALSE(IsDigest(bad)) << bad;
  }
}

TEST(DigestTest, ShortHashFitsNames) {
  const std::string ten = ShortHash("abc");
  EXPECT_EQ(ten.size(), 10U);
  EXPECT_EQ(ten, "xj4bnp4pah");  // base32(ba7816bf8f01…)
  EXPECT_EQ(ten.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567"), std::string::npos);
  EXPECT_EQ(ShortHash("abc", 51).substr(0, 10), ten);
  EXPECT_NE(ShortHash("abd"), ten);
}

TEST(DigestTest, ComparesSecrets) {
  EXPECT_TRUE(ConstantTimeEquals("token", "token"));
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_FALSE(ConstantTimeEquals("token", "tokex"));
  EXPECT_FALSE(ConstantTimeEquals("token", "token2"));
}

}  // namespace
}  // namespace midwatch
