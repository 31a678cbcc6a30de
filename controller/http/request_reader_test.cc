#include "controller/http/request_reader.h"

#include <gtest/gtest.h>

namespace midwatch::http {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;
constexpr std::size_t kWhole = 64 * kMebibyte;
const std::string kPiece(kMebibyte, 'x');
const std::string kAnnounced =
    "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(kWhole) + "\r\n\r\n";

/// Where the body lies in memory, once an eighth of it has come; then all of it comes.
void ExpectThatABodyStays(RequestReader& reader, const std::string& piece) {
  const char* at = nullptr;
  for (std::size_t come = 0; come < kWhole; come += kMebibyte) {
    reader.Feed(piece);
    ASSERT_EQ(reader.BodyBytes(), come + kMebibyte);
    if (come == kWhole / 8) {
      at = reader.Head().body.data();
    }
  }
  EXPECT_EQ(reader.Head().body.data(), at);
}

TEST(RequestReaderTest, ALargeBodyIsNotMovedAboutWhileItComes) {
  RequestReader reader(1024);
  reader.Feed(kAnnounced);
  reader.PermitBody(2 * kWhole);
  ExpectThatABodyStays(reader, kPiece);
  EXPECT_EQ(reader.state(), RequestReader::State::kDone);
}

TEST(RequestReaderTest, NorIsOneThatComesInChunks) {
  RequestReader reader(1024);
  reader.Feed("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  reader.PermitBody(kWhole);
  ExpectThatABodyStays(reader, "100000\r\n" + kPiece + "\r\n");
  reader.Feed("0\r\n\r\n");
  EXPECT_EQ(reader.state(), RequestReader::State::kDone);
}

TEST(RequestReaderTest, WhoAnnouncesABodyAndDoesNotSendItIsGivenNoRoom) {
  RequestReader reader(1024);
  reader.Feed(kAnnounced);
  reader.PermitBody(kWhole);
  reader.Feed(kPiece);
  EXPECT_LT(reader.Head().body.capacity(), 4 * kMebibyte);
}

}  // namespace
}  // namespace midwatch::http
