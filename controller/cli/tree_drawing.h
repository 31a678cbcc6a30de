#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace midwatch::cli {

/// A node of a tree that is drawn with lines; its text may have colours and must be one line.
struct TreeNode {
  std::string text;
  std::vector<TreeNode> children = {};
};

/// The root's text, and below it its children behind `├─` and `└─`. Text that has more than `width`
/// columns goes on below itself.
std::string DrawTree(const TreeNode& root, std::size_t width);

}  // namespace midwatch::cli
