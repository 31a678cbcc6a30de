#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/cli/style.h"

namespace midwatch::cli {

struct Cell {
  std::string text;
  Colour colour = Colour::kNone;
};

/// Aligned columns as kubectl prints them: upper-case headings, three spaces between, the last
/// column not padded. Whatever a cell says, it stays one cell of one line.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> headings);

  void AddRow(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }

  /// Columns are at least as wide as they were when the table was last rendered: for what follows
  /// in a watch.
  std::string Render(const Style& style, bool with_headings = true);
  /// Forgets the rows, keeps headings and widths.
  void Clear() { rows_.clear(); }

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<Cell>> rows_;
  std::vector<std::size_t> widths_;
};

/// `displayName` and `Display Name` → `DISPLAY NAME`.
std::string Heading(std::string_view name);

}  // namespace midwatch::cli
