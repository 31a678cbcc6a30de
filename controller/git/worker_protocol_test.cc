#include "controller/git/worker_protocol.h"

#include <gtest/gtest.h>

#include <string>

namespace midwatch::git {
namespace {

const std::string kBlob(40, 'a');

std::optional<Frame> Decode(const std::string& bytes) {
  FrameReader reader;
  reader.Append(bytes);
  Result<std::optional<Frame>> frame = reader.Next();
  return frame ? std::move(*frame) : std::nullopt;
}

TEST(FrameReaderTest, CutsAStreamOfSingleBytesIntoFrames) {
  const std::string bytes = EncodeFrame(Json::Of({{"type", "a"}}), "one") +
                            EncodeFrame(Json::Of({{"type", "b"}}), std::string("\0two", 4));
  FrameReader reader;
  std::string seen;
  for (const char byte : bytes) {
    reader.Append(std::string_view(&byte, 1));
    Result<std::optional<Frame>> frame = reader.Next();
    ASSERT_TRUE(frame.has_value());
    if (*frame) {
      seen += (*frame)->header.At("type").AsString() + "=" + (*frame)->body + ";";
    }
  }
  EXPECT_EQ(seen, std::string("a=one;b=\0two;", 13));
}

TEST(FrameReaderTest, RefusesHostileFrames) {
  for (const std::string& bytes :
       {std::string("\xff\xff\xff\xff\0\0\0\0", 8), std::string("\0\0\0\1\xff\0\0\0", 8),
        std::string("\0\0\0\1\0\0\0\0{", 9)}) {
    FrameReader reader;
    reader.Append(bytes);
    const Result<std::optional<Frame>> frame = reader.Next();
    ASSERT_FALSE(frame.has_value());
    EXPECT_EQ(frame.error().code, ErrorCode::kInternal);
  }
}

TEST(WorkerProtocolTest, ARequestComesBackAsItWas) {
  GitFetchRequest fetch;
  GitLimits limits;
  fetch.remote = {.url = "https://git.example/a.git",
                  .ref_kind = GitRefKind::kTag,
                  .ref = "v1",
                  .path = "a/b",
                  .username = "me",
                  .password = Secret<std::string>("secret"),
                  .ca_pem = "PEM"};
  fetch.same_directories = true;
  fetch.known_tree = "t";
  fetch.known_blobs = kBlob + std::string(40, 'b');
  fetch.read_suffixes = {".yaml", ".yml"};
  fetch.deadline = std::chrono::seconds(7);
  limits.file_bytes = 5;
  const Result<WorkerRequest> back =
      DecodeRequest(*Decode(EncodeRequest(fetch, limits, "/cache/x")));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->fetch.remote.url, fetch.remote.url);
  EXPECT_EQ(back->fetch.remote.ref_kind, GitRefKind::kTag);
  EXPECT_EQ(back->fetch.remote.ref, "v1");
  EXPECT_EQ(back->fetch.remote.path, "a/b");
  EXPECT_EQ(back->fetch.remote.username, "me");
  EXPECT_EQ(back->fetch.remote.password.Reveal(), "secret");
  EXPECT_EQ(back->fetch.remote.ca_pem, "PEM");
  EXPECT_TRUE(back->fetch.same_directories);
  EXPECT_EQ(back->fetch.known_tree, "t");
  EXPECT_EQ(back->known_blobs, kBlob + std::string(40, 'b'));
  EXPECT_EQ(back->fetch.read_suffixes, fetch.read_suffixes);
  EXPECT_EQ(back->fetch.deadline, fetch.deadline);
  EXPECT_EQ(back->limits.file_bytes, 5u);
  EXPECT_EQ(back->limits.entries, GitLimits().entries);
  EXPECT_EQ(back->repository, "/cache/x");
}

TEST(WorkerProtocolTest, EntriesComeBackAsTheyWere) {
  GitEntry file;
  file.path = "a.yaml";
  file.blob = kBlob;
  file.bytes = std::string("\0x", 2);
  GitEntry link = file;
  link.kind = GitEntryKind::kSymlink;
  link.bytes.clear();
  GitEntry large = link;
  large.kind = GitEntryKind::kFile;
  large.too_large = true;
  std::string body;
  for (const GitEntry& entry : {file, link, large}) {
    AppendEntry(entry, body);
  }
  const Result<std::vector<GitEntry>> back = DecodeEntries(body);
  ASSERT_TRUE(back.has_value());
  ASSERT_EQ(back->size(), 3u);
  EXPECT_EQ((*back)[0].path, "a.yaml");
  EXPECT_EQ((*back)[0].blob, kBlob);
  EXPECT_EQ((*back)[0].bytes, file.bytes);
  EXPECT_EQ((*back)[1].kind, GitEntryKind::kSymlink);
  EXPECT_TRUE((*back)[2].too_large);
}

TEST(WorkerProtocolTest, CutOffEntriesAreRefused) {
  GitEntry file;
  file.path = "a.yaml";
  file.blob = kBlob;
  file.bytes = "text";
  std::string body;
  AppendEntry(file, body);
  for (std::size_t size = 1; size < body.size(); ++size) {
    EXPECT_FALSE(DecodeEntries(std::string_view(body).substr(0, size)).has_value()) << size;
  }
  for (std::size_t at = 0; at < 9; ++at) {
    std::string hostile = body;
    hostile[at] = '\xff';
    EXPECT_FALSE(DecodeEntries(hostile).has_value()) << at;
  }
}

TEST(WorkerProtocolTest, AnUnknownErrorCodeIsInternal) {
  EXPECT_EQ(DecodeError(Json::Of({{"code", 999}, {"message", "x"}})),
            (Error{ErrorCode::kInternal, "x"}));
  const std::optional<Frame> frame = Decode(EncodeError({ErrorCode::kTimeout, "slow"}));
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(DecodeError(frame->header), (Error{ErrorCode::kTimeout, "slow"}));
}

}  // namespace
}  // namespace midwatch::git
