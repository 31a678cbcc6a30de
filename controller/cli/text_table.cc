#include "controller/cli/text_table.h"

#include <algorithm>
#include <cctype>

namespace midwatch::cli {
namespace {

constexpr std::string_view kGap = "   ";

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

/// One row is one line, and a tab would be as wide as the terminal likes.
std::string InOneCell(std::string_view text) {
  std::string out = HarmlessLine(text);
  std::replace(out.begin(), out.end(), '\t', ' ');
  return out;
}

}  // namespace

TextTable::TextTable(std::vector<std::string> headings)
    : headings_(std::move(headings)), widths_(headings_.size(), 0) {
  for (std::string& heading : headings_) {
    heading = InOneCell(heading);
  }
}

void TextTable::AddRow(std::vector<Cell> cells) {
  for (Cell& cell : cells) {
    cell.text = InOneCell(cell.text);
  }
  cells.resize(headings_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::Render(const Style& style, bool with_headings) {
  for (std::size_t column = 0; column < headings_.size(); ++column) {
    std::size_t& width = widths_[column];
    width = std::max(width, DisplayWidth(headings_[column]));
    for (const auto& row : rows_) {
      width = std::max(width, DisplayWidth(row[column].text));
    }
  }
  std::string out;
  const auto line = [&](const auto& cell_at) {
    std::string text;
    for (std::size_t column = 0; column < headings_.size(); ++column) {
      const Cell cell = cell_at(column);
      text += style.In(cell.colour, cell.text);
      if (column + 1 < headings_.size()) {
        text.append(widths_[column] - DisplayWidth(cell.text), ' ').append(kGap);
      }
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  if (with_headings) {
    line([&](std::size_t column) { return Cell{headings_[column]}; });
    out = style.Bold(out.substr(0, out.size() - 1)) + "\n";
  }
  for (const auto& row : rows_) {
    line([&](std::size_t column) { return row[column]; });
  }
  return out;
}

std::string Heading(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool starts_word =
        i > 0 && IsUpper(name[i]) && name[i - 1] != ' ' && !IsUpper(name[i - 1]);
    out.append(starts_word ? " " : "");
    out.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(name[i]))));
  }
  return out;
}

}  // namespace midwatch::cli
