#include "controller/agent/outward_text.h"

#include <utility>

#include "controller/base/control_character.h"

namespace midwatch::agent {
namespace {

/// What stands for it; nothing if it is left out.
std::string_view Instead(const ControlCharacter& control, bool one_line) {
  switch (control.code) {
    case U'\n':
    case U'\u2028':
    case U'\u2029':
      return one_line ? " " : "\n";
    case U'\t':
      return one_line ? " " : "\t";
    case U'\r':
      return one_line ? " " : "\r";
    default:
      return {};
  }
}

std::string Plain(std::string_view text, bool one_line) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto control = ControlAt(text);
    out += control ? Instead(*control, one_line) : text.substr(0, 1);
    text.remove_prefix(control ? control->size : 1);
  }
  return out;
}

}  // namespace

std::string OutwardText::Line(std::string text, std::size_t limit) const {
  // Twice: a secret may hold what is left out, and may have been hidden by it.
  return mask_.Prefix(Plain(mask_(std::move(text)), true), limit);
}

Json OutwardText::Document(Json value) const {
  return WithEachString(std::move(value), [this](std::string text) {
    return mask_(Plain(mask_(std::move(text)), false));
  });
}

}  // namespace midwatch::agent
