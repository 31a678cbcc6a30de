#include "controller/manifest/diff.h"

#include <algorithm>
#include <utility>

#include "controller/base/text.h"
#include "controller/manifest/server_fields.h"
#include "controller/manifest/yaml_writer.h"

namespace midwatch::manifest {
namespace {

constexpr std::string_view kHidden = "(hidden)";
constexpr std::string_view kHiddenBefore = "(hidden, before)";
constexpr std::string_view kHiddenAfter = "(hidden, after)";

/// Hides the values of a mapping; those that differ from the other side are told apart.
void HideValues(Json& object, const Json& other, std::string_view field, std::string_view differs) {
  Json* values = object.FindMutable(field);
  if (values == nullptr) {
    return;
  }
  if (!values->IsObject()) {
    *values = kHidden;
    return;
  }
  for (Json::Member& member : values->MutableMembers()) {
    const Json* same = other.At(field).Find(member.name);
    member.value = same == nullptr || *same == member.value ? kHidden : differs;
  }
}

/// Both sides as people may see them.
std::pair<Json, Json> Shown(const Json& before, const Json& after) {
  std::pair<Json, Json> out = {before, after};
  DropServerFields(out.first, true);
  DropServerFields(out.second, true);
  if (IsSecret(before) || IsSecret(after)) {
    for (const std::string_view field : {"data", "stringData"}) {
      HideValues(out.first, after, field, kHiddenBefore);
      HideValues(out.second, before, field, kHiddenAfter);
    }
  }
  return out;
}

std::string MemberPath(const std::string& path, const std::string& name) {
  if (name.find_first_of("./[]") != name.npos) {
    return path + "[" + name + "]";
  }
  return path.empty() ? name : path + "." + name;
}

class FieldDiffer {
 public:
  void Compare(const Json& before, const Json& after, const std::string& path) {
    if (before == after) {
      return;
    }
    if (before.IsObject() && after.IsObject()) {
      Members(before, after, path);
    } else if (before.IsArray() && after.IsArray()) {
      Items(before, after, path);
    } else {
      changes_.push_back({ChangeKind::kChanged, path, before, after});
    }
  }

  std::vector<FieldChange> Take() { return std::move(changes_); }

 private:
  void Members(const Json& before, const Json& after, const std::string& path) {
    auto a = before.Members().begin();
    auto b = after.Members().begin();
    while (a != before.Members().end() || b != after.Members().end()) {
      const bool only_before =
          b == after.Members().end() || (a != before.Members().end() && a->name < b->name);
      const bool only_after =
          a == before.Members().end() || (b != after.Members().end() && b->name < a->name);
      if (only_before) {
        changes_.push_back({ChangeKind::kRemoved, MemberPath(path, a->name), a->value, {}});
      } else if (only_after) {
        changes_.push_back({ChangeKind::kAdded, MemberPath(path, b->name), {}, b->value});
      } else {
        Compare(a->value, b->value, MemberPath(path, a->name));
      }
      a += only_after ? 0 : 1;
      b += only_before ? 0 : 1;
    }
  }

  void Items(const Json& before, const Json& after, const std::string& path) {
    const std::size_t most = std::max(before.Items().size(), after.Items().size());
    for (std::size_t i = 0; i < most; ++i) {
      const std::string item = path + "[" + std::to_string(i) + "]";
      if (i >= after.Items().size()) {
        changes_.push_back({ChangeKind::kRemoved, item, before.Items()[i], {}});
      } else if (i >= before.Items().size()) {
        changes_.push_back({ChangeKind::kAdded, item, {}, after.Items()[i]});
      } else {
        Compare(before.Items()[i], after.Items()[i], item);
      }
    }
  }

  std::vector<FieldChange> changes_;
};

struct Line {
  char mark = ' ';
  std::string_view text;
};

using Lines = std::vector<std::string_view>;

Lines LinesOf(const std::string& text) {
  Lines lines = Split(text, '\n');
  if (!lines.empty() && lines.back().empty()) {
    lines.pop_back();
  }
  return lines;
}

/// Longest common subsequence of what lies between equal beginnings and ends. Beyond kMostCells of
/// work the middle is simply replaced.
class LineDiffer {
 public:
  LineDiffer(const Lines& before, const Lines& after) : before_(before), after_(after) {}

  std::vector<Line> Run() {
    std::size_t head = 0;
    while (head < before_.size() && head < after_.size() && before_[head] == after_[head]) {
      ++head;
    }
    std::size_t tail = 0;
    while (tail + head < before_.size() && tail + head < after_.size() &&
           before_[before_.size() - 1 - tail] == after_[after_.size() - 1 - tail]) {
      ++tail;
    }
    Add(' ', before_, 0, head);
    Middle(head, before_.size() - tail, after_.size() - tail);
    Add(' ', before_, before_.size() - tail, before_.size());
    return std::move(out_);
  }

 private:
  void Add(char mark, const Lines& lines, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      out_.push_back({mark, lines[i]});
    }
  }

  void Middle(std::size_t head, std::size_t before_end, std::size_t after_end) {
    constexpr std::size_t kMostCells = 4'000'000;
    const std::size_t rows = before_end - head;
    const std::size_t columns = after_end - head;
    if (rows * columns > kMostCells) {
      Add('-', before_, head, before_end);
      Add('+', after_, head, after_end);
      return;
    }
    // common[i][j]: length of what the rests from i and j have in common.
    std::vector<std::uint32_t> common((rows + 1) * (columns + 1), 0);
    const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& {
      return common[i * (columns + 1) + j];
    };
    for (std::size_t i = rows; i-- > 0;) {
      for (std::size_t j = columns; j-- > 0;) {
        at(i, j) = before_[head + i] == after_[head + j] ? at(i + 1, j + 1) + 1
                                                         : std::max(at(i + 1, j), at(i, j + 1));
      }
    }
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < rows || j < columns) {
      if (i < rows && j < columns && before_[head + i] == after_[head + j]) {
        out_.push_back({' ', before_[head + i]});
        ++i;
        ++j;
      } else if (j == columns || (i < rows && at(i + 1, j) >= at(i, j + 1))) {
        out_.push_back({'-', before_[head + i++]});
      } else {
        out_.push_back({'+', after_[head + j++]});
      }
    }
  }

  const Lines& before_;
  const Lines& after_;
  std::vector<Line> out_;
};

std::string_view ColorOf(char mark) {
  return mark == '+' ? "\x1B[32m" : mark == '-' ? "\x1B[31m" : "";
}

/// True for lines within `context` of a change.
std::vector<bool> NearChanges(const std::vector<Line>& lines, std::size_t context) {
  std::vector<bool> near(lines.size(), false);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].mark == ' ') {
      continue;
    }
    const std::size_t from = i > context ? i - context : 0;
    const std::size_t to = std::min(lines.size(), i + context + 1);
    std::fill(near.begin() + static_cast<std::ptrdiff_t>(from),
              near.begin() + static_cast<std::ptrdiff_t>(to), true);
  }
  return near;
}

}  // namespace

std::vector<FieldChange> DiffFields(const Json& before, const Json& after) {
  const auto [left, right] = Shown(before, after);
  FieldDiffer differ;
  differ.Compare(left, right, "");
  return differ.Take();
}

std::string RenderDiff(const Json& before, const Json& after, const DiffStyle& style) {
  const auto [left, right] = Shown(before, after);
  const std::string left_text = left.IsNull() ? "" : WriteYaml(left);
  const std::string right_text = right.IsNull() ? "" : WriteYaml(right);
  if (left_text == right_text) {
    return {};
  }
  const Lines left_lines = LinesOf(left_text);
  const Lines right_lines = LinesOf(right_text);
  const std::vector<Line> lines = LineDiffer(left_lines, right_lines).Run();
  const std::vector<bool> near = NearChanges(lines, style.context);
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!near[i]) {
      out += i == 0 || near[i - 1] ? "  ...\n" : "";
      continue;
    }
    const std::string_view color = style.color ? ColorOf(lines[i].mark) : "";
    out += color;
    out += {lines[i].mark, ' '};
    out += lines[i].text;
    out += color.empty() ? "\n" : "\x1B[0m\n";
  }
  return out;
}

}  // namespace midwatch::manifest
