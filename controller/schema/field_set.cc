#include "controller/schema/field_set.h"

#include <algorithm>
#include <utility>

namespace midwatch::schema {
namespace {

constexpr std::string_view kSelf = ".";  // In fieldsV1: the path that leads here is itself a member.

using Children = std::map<PathElement, FieldSet>;

tl::unexpected<Error> Bad(std::string_view text) {
  return Fail(ErrorCode::kInvalid, "fieldsV1: \"" + std::string(text) +
                                       "\": expected f:<name>, k:<keys>, v:<value> or i:<index>");
}

void AppendStrings(const FieldSet& set, const std::string& prefix, std::vector<std::string>& out) {
  auto child = set.children().begin();
  const auto descend_before = [&](const PathElement* member) {
    for (; child != set.children().end() && (member == nullptr || child->first < *member); ++child) {
      AppendStrings(child->second, prefix + child->first.Shown(), out);
    }
  };
  for (const PathElement& member : set.members()) {
    descend_before(&member);
    out.push_back(prefix + member.Shown());
  }
  descend_before(nullptr);
}

}  // namespace

std::string PathElement::ToString() const {
  constexpr std::string_view kPrefixes = "fkvi";
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

FieldSet FieldSet::Of(std::initializer_list<Path> paths) {
  FieldSet out;
  for (const Path& path : paths) {
    out.Insert(path);
  }
  return out;
}

Result<FieldSet> FieldSet::FromJson(const Json& fields) {
  FieldSet out;
  for (const auto& [name, below] : fields.Members()) {
    if (name == kSelf) {
      continue;  // The parent's affair.
    }
    MIDWATCH_ASSIGN(const PathElement element, PathElement::Parse(name));
    const bool leaf = below.Members().empty();
    if (leaf || below.Find(kSelf) != nullptr) {
      out.members_.insert(element);
    }
    if (!leaf) {
      MIDWATCH_ASSIGN(FieldSet child, FromJson(below));
      out.SetChild(element, std::move(child));
    }
  }
  return out;
}

Json FieldSet::ToJson() const {
  Json out = Json::EmptyObject();
  for (const PathElement& member : members_) {
    out.Set(member.ToString(), Json::EmptyObject());
  }
  for (const auto& [element, child] : children_) {
    Json below = child.ToJson();
    if (Has(element)) {
      below.Set(kSelf, Json::EmptyObject());
    }
    out.Set(element.ToString(), std::move(below));
  }
  return out;
}

const FieldSet* FieldSet::Child(const PathElement& element) const {
  const auto found = children_.find(element);
  return found == children_.end() ? nullptr : &found->second;
}

void FieldSet::Insert(const Path& path) {
  FieldSet* at = this;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    at = &at->children_[path[i]];
  }
  if (!path.empty()) {
    at->members_.insert(path.back());
  }
}

void FieldSet::SetChild(const PathElement& element, FieldSet child) {
  if (child.Empty()) {
    children_.erase(element);
  } else {
    children_[element] = std::move(child);
  }
}

FieldSet FieldSet::Union(const FieldSet& other) const {
  FieldSet out = *this;
  out.members_.insert(other.members_.begin(), other.members_.end());
  for (const auto& [element, child] : other.children_) {
    const auto mine = out.children_.find(element);
    if (mine == out.children_.end()) {
      out.children_.emplace(element, child);
    } else {
      mine->second = mine->second.Union(child);
    }
  }
  return out;
}

FieldSet FieldSet::Intersection(const FieldSet& other) const {
  FieldSet out;
  std::set_intersection(members_.begin(), members_.end(), other.members_.begin(),
                        other.members_.end(), std::inserter(out.members_, out.members_.end()));
  for (const auto& [element, child] : children_) {
    if (const FieldSet* theirs = other.Child(element); theirs != nullptr) {
      out.SetChild(element, child.Intersection(*theirs));
    }
  }
  return out;
}

FieldSet FieldSet::Difference(const FieldSet& other) const {
  FieldSet out;
  std::set_difference(members_.begin(), members_.end(), other.members_.begin(),
                      other.members_.end(), std::inserter(out.members_, out.members_.end()));
  for (const auto& [element, child] : children_) {
    const FieldSet* theirs = other.Child(element);
    out.SetChild(element, theirs == nullptr ? child : child.Difference(*theirs));
  }
  return out;
}

FieldSet FieldSet::RecursiveDifference(const FieldSet& other) const {
  FieldSet out;
  std::set_difference(members_.begin(), members_.end(), other.members_.begin(),
                      other.members_.end(), std::inserter(out.members_, out.members_.end()));
  for (const auto& [element, child] : children_) {
    if (other.Has(element)) {
      continue;
    }
    const FieldSet* theirs = other.Child(element);
    out.SetChild(element, theirs == nullptr ? child : child.RecursiveDifference(*theirs));
  }
  return out;
}

std::vector<std::string> FieldSet::ToStrings() const {
  std::vector<std::string> out;
  AppendStrings(*this, "", out);
  return out;
}

}  // namespace midwatch::schema
