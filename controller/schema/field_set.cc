#include "controller/schema/field_set.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace midwatch::schema {
namespace {

constexpr std::string_view kSelf =
    ".";  // In fieldsV1: the path that leads here is itself a member.

tl::unexpected<Error> Bad(std::string_view text) {
  return Fail(ErrorCode::kInvalid, "fieldsV1: \"" + std::string(text) +
                                       "\": expected f:<name>, k:<keys>, v:<value> or i:<index>");
}

template <typename Children>
auto ChildAt(Children& children, const PathElement& element) {
  return std::lower_bound(
      children.begin(), children.end(), element,
      [](const FieldSet::Child& child, const PathElement& e) { return child.element < e; });
}

void AppendStrings(const FieldSet& set, const std::string& prefix, std::vector<std::string>& out) {
  auto child = set.children().begin();
  const auto descend_before = [&](const PathElement* member) {
    for (; child != set.children().end() && (member == nullptr || child->element < *member);
         ++child) {
      AppendStrings(child->set, prefix + child->element.Shown(), out);
    }
  };
  for (const PathElement& member : set.members()) {
    descend_before(&member);
    out.push_back(prefix + member.Shown());
  }
  descend_before(nullptr);
}

/// Removes from `members` what stands in `gone`; both sorted.
void EraseAll(std::vector<PathElement>& members, const std::vector<PathElement>& gone) {
  if (gone.empty()) {
    return;
  }
  std::erase_if(members, [&](const PathElement& member) {
    return std::binary_search(gone.begin(), gone.end(), member);
  });
}

}  // namespace

std::string PathElement::ToString() const {
  constexpr std::string_view kPrefixes = "fikv";
  return std::string{kPrefixes[static_cast<std::size_t>(kind)], ':'} + text;
}

Result<PathElement> PathElement::Parse(std::string_view text) {
  if (text.size() < 2 || text[1] != ':') {
    return Bad(text);
  }
  const std::string_view rest = text.substr(2);
  switch (text[0]) {
    case 'f':
      return Field(rest);
    case 'i':
      return PathElement{Kind::kIndex, std::string(rest)};
    case 'k':
    case 'v': {
      const auto value = ParseJson(rest);
      if (!value || (text[0] == 'k' && !value->IsObject())) {
        return Bad(text);
      }
      return text[0] == 'k' ? Key(*value) : Value(*value);  // Dumped again: one spelling only.
    }
    default:
      return Bad(text);
  }
}

std::string PathElement::Shown() const {
  if (kind == Kind::kField) {
    return "." + text;
  }
  if (kind == Kind::kIndex) {
    return "[" + text + "]";
  }
  if (kind == Kind::kValue) {
    return "[=" + text + "]";
  }
  std::string out = "[";
  const auto keys = ParseJson(text);
  for (const Json::Member& key : keys->Members()) {
    out += &key == keys->Members().data() ? "" : ",";
    out += key.name + "=" + key.value.Dump();
  }
  return out + "]";
}

FieldSet::FieldSet() = default;
FieldSet::FieldSet(const FieldSet&) = default;
FieldSet::FieldSet(FieldSet&&) noexcept = default;
FieldSet& FieldSet::operator=(const FieldSet&) = default;
FieldSet& FieldSet::operator=(FieldSet&&) noexcept = default;
FieldSet::~FieldSet() = default;

FieldSet FieldSet::Of(std::initializer_list<Path> paths) {
  FieldSet out;
  for (const Path& path : paths) {
    out.Insert(path);
  }
  return out;
}

Result<FieldSet> FieldSet::FromJson(const Json& fields) {
  std::vector<PathElement> members;
  std::vector<Child> children;
  for (const auto& [name, below] : fields.Members()) {
    if (name == kSelf) {
      continue;  // The parent's affair.
    }
    MIDWATCH_ASSIGN(PathElement element, PathElement::Parse(name));
    const bool leaf = below.Members().empty();
    if (!leaf) {
      MIDWATCH_ASSIGN(FieldSet child, FromJson(below));
      children.push_back({element, std::move(child)});
    }
    if (leaf || below.Find(kSelf) != nullptr) {
      members.push_back(std::move(element));
    }
  }
  return From(std::move(members), std::move(children));
}

FieldSet FieldSet::From(std::vector<PathElement> members, std::vector<Child> children) {
  FieldSet out;
  out.members_ = std::move(members);
  if (!std::is_sorted(out.members_.begin(), out.members_.end())) {
    std::sort(out.members_.begin(), out.members_.end());
  }
  out.members_.erase(std::unique(out.members_.begin(), out.members_.end()), out.members_.end());
  const auto before = [](const Child& a, const Child& b) { return a.element < b.element; };
  if (!std::is_sorted(children.begin(), children.end(), before)) {
    std::stable_sort(children.begin(), children.end(), before);
  }
  for (Child& child : children) {
    if (!out.children_.empty() && out.children_.back().element == child.element) {
      out.children_.back().set.Add(child.set);
    } else if (!child.set.Empty()) {
      out.children_.push_back(std::move(child));
    }
  }
  return out;
}

Json FieldSet::ToJson() const {
  Json out = Json::EmptyObject();
  for (const PathElement& member : members_) {
    out.Set(member.ToString(), Json::EmptyObject());
  }
  for (const Child& child : children_) {
    Json below = child.set.ToJson();
    if (Has(child.element)) {
      below.Set(kSelf, Json::EmptyObject());
    }
    out.Set(child.element.ToString(), std::move(below));
  }
  return out;
}

bool FieldSet::Empty() const { return members_.empty() && children_.empty(); }

bool FieldSet::Has(const PathElement& element) const {
  return std::binary_search(members_.begin(), members_.end(), element);
}

const FieldSet* FieldSet::Below(const PathElement& element) const {
  const auto found = ChildAt(children_, element);
  return found != children_.end() && found->element == element ? &found->set : nullptr;
}

void FieldSet::Insert(PathElement element) {
  const auto at = std::lower_bound(members_.begin(), members_.end(), element);
  if (at == members_.end() || *at != element) {
    members_.insert(at, std::move(element));
  }
}

void FieldSet::Insert(const Path& path) {
  FieldSet* at = this;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    auto child = ChildAt(at->children_, path[i]);
    if (child == at->children_.end() || child->element != path[i]) {
      child = at->children_.insert(child, Child{path[i], {}});
    }
    at = &child->set;
  }
  if (!path.empty()) {
    at->Insert(path.back());
  }
}

void FieldSet::SetBelow(const PathElement& element, FieldSet below) {
  const auto at = ChildAt(children_, element);
  const bool exists = at != children_.end() && at->element == element;
  if (exists && below.Empty()) {
    children_.erase(at);
  } else if (exists) {
    at->set = std::move(below);
  } else if (!below.Empty()) {
    children_.insert(at, Child{element, std::move(below)});
  }
}

void FieldSet::Add(const FieldSet& other) {
  std::vector<PathElement> members;
  members.reserve(members_.size() + other.members_.size());
  std::set_union(std::make_move_iterator(members_.begin()), std::make_move_iterator(members_.end()),
                 other.members_.begin(), other.members_.end(), std::back_inserter(members));
  members_ = std::move(members);
  std::vector<Child> children;
  children.reserve(children_.size() + other.children_.size());
  auto mine = children_.begin();
  for (const Child& theirs : other.children_) {
    for (; mine != children_.end() && mine->element < theirs.element; ++mine) {
      children.push_back(std::move(*mine));
    }
    if (mine != children_.end() && mine->element == theirs.element) {
      mine->set.Add(theirs.set);
      children.push_back(std::move(*mine++));
    } else {
      children.push_back(theirs);
    }
  }
  std::move(mine, children_.end(), std::back_inserter(children));
  children_ = std::move(children);
}

void FieldSet::Subtract(const FieldSet& other) {
  EraseAll(members_, other.members_);
  for (const Child& child : other.children_) {
    const auto at = ChildAt(children_, child.element);
    if (at != children_.end() && at->element == child.element) {
      at->set.Subtract(child.set);
    }
  }
  std::erase_if(children_, [](const Child& child) { return child.set.Empty(); });
}

void FieldSet::SubtractTrees(const FieldSet& other) {
  EraseAll(members_, other.members_);
  std::erase_if(children_, [&](Child& child) {
    if (const FieldSet* theirs = other.Below(child.element); theirs != nullptr) {
      child.set.SubtractTrees(*theirs);
    }
    return other.Has(child.element) || child.set.Empty();
  });
}

FieldSet FieldSet::Intersection(const FieldSet& other) const {
  FieldSet out;
  std::set_intersection(members_.begin(), members_.end(), other.members_.begin(),
                        other.members_.end(), std::back_inserter(out.members_));
  for (const Child& child : children_) {
    if (const FieldSet* theirs = other.Below(child.element); theirs != nullptr) {
      out.SetBelow(child.element, child.set.Intersection(*theirs));
    }
  }
  return out;
}

FieldSet FieldSet::Difference(const FieldSet& other) const {
  FieldSet out = *this;
  out.Subtract(other);
  return out;
}

bool FieldSet::Contains(const FieldSet& other) const {
  return std::includes(members_.begin(), members_.end(), other.members_.begin(),
                       other.members_.end()) &&
         std::all_of(other.children_.begin(), other.children_.end(), [&](const Child& child) {
           const FieldSet* mine = Below(child.element);
           return mine != nullptr && mine->Contains(child.set);
         });
}

bool operator==(const FieldSet& a, const FieldSet& b) {
  return a.members_ == b.members_ && a.children_ == b.children_;
}

std::vector<std::string> FieldSet::ToStrings() const {
  std::vector<std::string> out;
  AppendStrings(*this, "", out);
  return out;
}

}  // namespace midwatch::schema
