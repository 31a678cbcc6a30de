#include "controller/cli/tree_drawing.h"

namespace midwatch::cli {
namespace {

void Draw(const std::vector<TreeNode>& children, const std::string& before, std::string& out) {
  for (std::size_t i = 0; i < children.size(); ++i) {
    const bool last = i + 1 == children.size();
    out += before + (last ? "└─ " : "├─ ") + children[i].text + "\n";
    Draw(children[i].children, before + (last ? "   " : "│  "), out);
  }
}

}  // namespace

std::string DrawTree(const TreeNode& root) {
  std::string out = root.text + "\n";
  Draw(root.children, "", out);
  return out;
}

}  // namespace midwatch::cli
