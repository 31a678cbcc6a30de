#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace midwatch {

/// A compiled RE2 regular expression: linear time in the text, bounded memory. Immutable, shareable
/// between threads.
class Pattern {
 public:
  /// The syntax of github.com/google/re2; kInvalid says what is wrong with it.
  static Result<Pattern> Compile(std::string_view expression);

  bool MatchesWhole(std::string_view text) const;
  /// Instructions of its program. Times the length of the text, that is the most a search costs.
  std::size_t Size() const;
  bool FoundIn(std::string_view text) const;
  /// The whole match and its groups, or nothing. Views into `text`.
  std::vector<std::string_view> Capture(std::string_view text) const;

 private:
  struct Impl;
  explicit Pattern(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;  // Shared by copies of this value; never changes.
};

}  // namespace midwatch
