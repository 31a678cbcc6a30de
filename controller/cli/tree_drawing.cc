#include "controller/cli/tree_drawing.h"

#include <algorithm>

#include "controller/cli/style.h"

namespace midwatch::cli {
namespace {

constexpr std::size_t kLeastText = 20;
constexpr std::string_view kReset = "\x1b[0m";

/// The escape sequence that is still in force at the end of a line; empty if none is.
std::string OpenStyle(const std::string& line) {
  const std::size_t escape = line.rfind("\x1b[");
  if (escape == std::string::npos || line.compare(escape, kReset.size(), kReset) == 0) {
    return {};
  }
  return line.substr(escape, line.find('m', escape) - escape + 1);
}

/// The text behind `first`, what does not fit there behind `next`.
void Put(const std::string& text, const std::string& first, const std::string& next,
         std::size_t width, std::string& out) {
  const std::size_t taken = DisplayWidth(first);
  const std::size_t room = width > taken + kLeastText ? width - taken : kLeastText;
  std::string before = first;
  std::string style;
  for (const std::string& line : WrapText(text, room)) {
    const std::string styled = style + line;
    style = OpenStyle(styled);
    out += before + styled + (style.empty() ? "" : std::string(kReset)) + "\n";
    before = next;
  }
}

void Draw(const std::vector<TreeNode>& children, const std::string& before, std::size_t width,
          std::string& out) {
  for (std::size_t i = 0; i < children.size(); ++i) {
    const bool last = i + 1 == children.size();
    const std::string below = before + (last ? "   " : "│  ");
    const std::string under = below + (children[i].children.empty() ? "   " : "│  ");
    Put(children[i].text, before + (last ? "└─ " : "├─ "), under, width, out);
    Draw(children[i].children, below, width, out);
  }
}

}  // namespace

std::string DrawTree(const TreeNode& root, std::size_t width) {
  std::string out;
  Put(root.text, "", root.children.empty() ? "" : "│  ", width, out);
  Draw(root.children, "", width, out);
  return out;
}

}  // namespace midwatch::cli
