#include "controller/base/pattern.h"

#include <re2/re2.h>

#include <utility>

namespace midwatch {
namespace {

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

RE2::Options QuietOptions() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(std::int64_t{1} << 20);
  return options;
}

}  // namespace

struct Pattern::Impl {
  explicit Impl(std::string_view expression) : re(Piece(expression), QuietOptions()) {}
  RE2 re;
};

Result<Pattern> Pattern::Compile(std::string_view expression) {
  auto impl = std::make_shared<const Impl>(expression);
  if (!impl->re.ok()) {
    return Fail(ErrorCode::kInvalid, "regular expression: " + impl->re.error());
  }
  return Pattern(std::move(impl));
}

bool Pattern::MatchesWhole(std::string_view text) const {
  return RE2::FullMatch(Piece(text), impl_->re);
}

std::size_t Pattern::Size() const { return static_cast<std::size_t>(impl_->re.ProgramSize()); }

bool Pattern::FoundIn(std::string_view text) const {
  return RE2::PartialMatch(Piece(text), impl_->re);
}

std::vector<std::string_view> Pattern::Capture(std::string_view text) const {
  const int groups = impl_->re.NumberOfCapturingGroups() + 1;
  std::vector<re2::StringPiece> pieces(static_cast<std::size_t>(groups));
  if (!impl_->re.Match(Piece(text), 0, text.size(), RE2::UNANCHORED, pieces.data(), groups)) {
    return {};
  }
  std::vector<std::string_view> out;
  for (const re2::StringPiece& piece : pieces) {
    out.emplace_back(piece.data(), piece.size());
  }
  return out;
}

}  // namespace midwatch
