#include "controller/base/line_splitter.h"

#include <gtest/gtest.h>

namespace midwatch {
namespace {

struct SplitCase {
  const char* name;
  std::vector<std::string> pieces;
  std::vector<std::string> want;  // "!" for a line that was too long.
};

class LineSplitterTest : public testing::TestWithParam<SplitCase> {};

TEST_P(LineSplitterTest, CutsLines) {
  LineSplitter splitter(5);
  std::vector<std::string> got;
  const auto keep = [&](const LineSplitter::Line& line) {
    got.push_back(line.too_long ? "!" : line.text);
  };
  for (const std::string& piece : GetParam().pieces) {
    for (const auto& line : splitter.Feed(piece)) keep(line);
  }
  if (const auto rest = splitter.Finish()) keep(*rest);
  EXPECT_EQ(got, GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Streams, LineSplitterTest,
    testing::Values(SplitCase{"Nothing", {}, {}}, SplitCase{"OnePiece", {"a\nb\n"}, {"a", "b"}},
                    SplitCase{"AcrossPieces", {"a", "b", "\nc", "\n"}, {"ab", "c"}},
                    SplitCase{"EmptyLines", {"\n\n"}, {"", ""}},
                    SplitCase{"CarriageReturns", {"a\r\nb\r", "\n"}, {"a", "b"}},
                    SplitCase{"RestWithoutLineFeed", {"a\nbc"}, {"a", "bc"}},
                    SplitCase{"ExactlyTheLimit", {"12345\n"}, {"12345"}},
                    SplitCase{"BeyondTheLimit", {"123456\nok\n"}, {"!", "ok"}},
                    SplitCase{"BeyondTheLimitInPieces", {"123", "456", "789\nok\n"}, {"!", "ok"}},
                    SplitCase{"TooLongAndUnfinished", {"1234567"}, {"!"}}),
    [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace midwatch
