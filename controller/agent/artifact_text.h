#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace midwatch::agent {

/// The text of an artifact as the sidecar sees it, by lines counted from 1. Carriage returns before
/// line feeds are dropped; bytes that are not UTF-8 become `?`. Immutable.
class ArtifactText {
 public:
  explicit ArtifactText(std::string text);
  ArtifactText(ArtifactText&&) = default;
  ArtifactText& operator=(ArtifactText&&) = default;

  std::size_t line_count() const { return starts_.size(); }
  std::size_t size() const { return text_.size(); }
  const std::string& text() const { return text_; }
  /// Without its line feed. Empty if there is no such line.
  std::string_view Line(std::size_t number) const { return Lines(number, number); }
  /// The lines first to last with the line feeds between them, as far as they exist.
  std::string_view Lines(std::size_t first, std::size_t last) const;
  /// The line on which the first occurrence of the quote begins, at or after `from`.
  std::optional<std::size_t> FindQuote(std::string_view quote, std::size_t from = 1) const;

 private:
  std::string text_;
  std::vector<std::size_t> starts_;  // Offset of each line.
};

/// The inputs of a Run, by name.
using ArtifactTexts = std::map<std::string, ArtifactText, std::less<>>;

}  // namespace midwatch::agent
