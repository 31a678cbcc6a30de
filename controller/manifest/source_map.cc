#include "controller/manifest/source_map.h"

#include <charconv>
#include <optional>

namespace midwatch::manifest {
namespace {

/// What is left of `path` after a step to a member of that name, or nothing. Names may hold dots.
std::optional<std::string_view> AfterMember(std::string_view path, const std::string& name) {
  if (path.starts_with('[')) {
    const std::string_view inside = path.substr(1);
    if (inside.starts_with(name) && inside.substr(name.size()).starts_with(']')) {
      return inside.substr(name.size() + 1);
    }
    return std::nullopt;
  }
  const std::string_view inside = path.substr(path.starts_with('.') ? 1 : 0);
  if (!inside.starts_with(name)) {
    return std::nullopt;
  }
  const std::string_view rest = inside.substr(name.size());
  const bool whole = rest.empty() || rest.front() == '.' || rest.front() == '[';
  return whole ? std::optional(rest) : std::nullopt;
}

std::optional<std::string_view> AfterItem(std::string_view path, std::uint32_t index) {
  if (!path.starts_with('[')) {
    return std::nullopt;
  }
  std::uint32_t number = 0;
  const char* end = path.data() + path.size();
  const auto [stop, error] = std::from_chars(path.data() + 1, end, number);
  const bool matches = error == std::errc() && stop != end && *stop == ']' && number == index;
  return matches ? std::optional(path.substr(static_cast<std::size_t>(stop + 1 - path.data())))
                 : std::nullopt;
}

}  // namespace

/// A node is followed by all that is below it, and by nothing else of it.
bool SourceMap::InSubtree(std::uint32_t place, std::uint32_t node) const {
  return (*places_)[place].parent >= node;
}

/// The child that takes most of the path, or `node` itself.
std::uint32_t SourceMap::Child(std::uint32_t node, std::string_view& rest) const {
  std::uint32_t best = node;
  std::string_view best_rest = rest;
  for (std::uint32_t i = node + 1; i < places_->size() && InSubtree(i, node); ++i) {
    const Place& place = (*places_)[i];
    if (place.parent != node) {
      continue;
    }
    const auto after = place.member ? AfterMember(rest, place.name) : AfterItem(rest, place.index);
    if (after && (best == node || after->size() < best_rest.size())) {
      best = i;
      best_rest = *after;
    }
  }
  rest = best_rest;
  return best;
}

Position SourceMap::Find(std::string_view field) const {
  if (!places_ || places_->empty()) {
    return {};
  }
  std::uint32_t node = root_;
  for (std::string_view rest = field; !rest.empty();) {
    const std::uint32_t child = Child(node, rest);
    if (child == node) {
      break;
    }
    node = child;
  }
  return (*places_)[node].at;
}

std::vector<SourceMap> SourceMap::ItemsOf(std::string_view member) const {
  std::vector<SourceMap> out;
  std::string_view rest = member;
  const std::uint32_t sequence = Child(root_, rest);
  for (std::uint32_t i = sequence + 1; i < places_->size() && InSubtree(i, sequence); ++i) {
    if ((*places_)[i].parent == sequence) {
      out.push_back(*this);
      out.back().root_ = i;
    }
  }
  return out;
}

Position SourceMap::root() const {
  return places_ && !places_->empty() ? (*places_)[root_].at : Position{};
}

}  // namespace midwatch::manifest
