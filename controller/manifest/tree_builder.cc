#include "controller/manifest/tree_builder.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "controller/base/text.h"
#include "controller/manifest/plain_scalar.h"

namespace midwatch::manifest {
namespace {

constexpr std::string_view kCorePrefix = "tag:yaml.org,2002:";

/// `!!int` as people write it.
std::string ShowTag(std::string_view tag) {
  return tag.starts_with(kCorePrefix) ? "!!" + std::string(tag.substr(kCorePrefix.size()))
                                      : std::string(tag);
}

/// True if a plain scalar that resolves to `value` may carry that core tag.
bool FitsTag(const Json& value, std::string_view name) {
  return (name == "int" && value.IsInt()) || (name == "float" && value.IsNumber()) ||
         (name == "bool" && value.IsBool()) || (name == "null" && value.IsNull());
}

std::string AtMost(std::string_view what, std::size_t most) {
  return "the document has " + std::string(what) + ", expected at most " + std::to_string(most);
}

}  // namespace

void TreeBuilder::AddError(ManifestErrorCode code, Position at, std::string message,
                           std::string field) {
  if (errors_.size() < limits_.errors) {
    errors_.push_back({code, std::string(path_), at, {}, {}, std::move(field), std::move(message)});
  }
}

void TreeBuilder::SetSyntaxError(Position at, std::string message) {
  if (!failed_) {
    errors_.clear();
    AddError(ManifestErrorCode::kSyntax, at, std::move(message));
  }
}

void TreeBuilder::Fatal(ManifestErrorCode code, Position at, std::string message) {
  failed_ = true;
  AddError(code, at, std::move(message));
}

std::string TreeBuilder::FieldPath(std::string_view last) const {
  std::string out;
  for (std::size_t i = 0; i + 1 < stack_.size(); ++i) {
    const Frame& frame = stack_[i];
    if (frame.mapping) {
      out += (out.empty() ? "" : ".") + frame.key;
    } else {
      out += "[" + std::to_string(frame.items.size()) + "]";
    }
  }
  return out + (out.empty() ? "" : ".") + std::string(last);
}

bool TreeBuilder::ExpectsKey() const {
  return !stack_.empty() && stack_.back().mapping && !stack_.back().has_key;
}

void TreeBuilder::BadKey(Position at, std::string message) {
  AddError(ManifestErrorCode::kInvalidKey, at, std::move(message));
  stack_.back().has_key = true;
  stack_.back().bad_key = true;
  stack_.back().key_at = at;
}

void TreeBuilder::Key(Position at, std::string_view tag, const std::string& text) {
  if (tag == "?" && text == "<<") {
    return BadKey(at, "merge keys (<<) are not supported, write the fields out");
  }
  const bool is_text = tag == "!" || tag == "tag:yaml.org,2002:str";
  const Result<Json> value = is_text ? Result<Json>(Json(text)) : ResolvePlainScalar(text);
  if ((!is_text && tag != "?") || !value || !value->IsString()) {
    return BadKey(at,
                  "keys must be strings, " + Quote(text) + " reads as " +
                      (value && tag == "?" ? std::string(value->TypeName()) : "something else") +
                      ", quote it");
  }
  Frame& frame = stack_.back();
  frame.has_key = true;
  frame.key = text;
  frame.key_at = at;
}

bool TreeBuilder::CheckTag(Position at, std::string_view tag, bool mapping) {
  const std::string_view wanted = mapping ? "map" : "seq";
  if (tag.empty() || tag == "?" || tag == "!" ||
      (tag.starts_with(kCorePrefix) && tag.substr(kCorePrefix.size()) == wanted)) {
    return true;
  }
  AddError(ManifestErrorCode::kUnknownTag, at, "unknown tag " + Quote(ShowTag(tag)));
  return false;
}

Json TreeBuilder::ScalarValue(Position at, std::string_view tag, const std::string& text) {
  if (tag == "!" || tag == "tag:yaml.org,2002:str") {
    return Json(text);
  }
  Result<Json> value = ResolvePlainScalar(text);
  if (tag == "?") {
    if (!value) {
      AddError(ManifestErrorCode::kUnsupportedValue, at, value.error().message);
      return {};
    }
    return *std::move(value);
  }
  const bool core = tag.starts_with(kCorePrefix);
  const std::string_view name = core ? tag.substr(kCorePrefix.size()) : "";
  if (name != "int" && name != "float" && name != "bool" && name != "null") {
    AddError(ManifestErrorCode::kUnknownTag, at, "unknown tag " + Quote(ShowTag(tag)));
  } else if (!value || !FitsTag(*value, name)) {
    AddError(ManifestErrorCode::kUnsupportedValue, at,
             "the value is not of the type that its tag " + ShowTag(tag) + " says");
  } else {
    return *std::move(value);
  }
  return {};
}

bool TreeBuilder::Count(Position at, const Size& size) {
  nodes_ += size.nodes;
  if (nodes_ > limits_.nodes) {
    Fatal(ManifestErrorCode::kTooManyNodes, at, AtMost("too many values", limits_.nodes));
  }
  return !failed_;
}

std::uint32_t TreeBuilder::AddPlace(Position at) {
  SourceMap::Place place;
  place.at = at;
  if (!stack_.empty()) {
    const Frame& frame = stack_.back();
    place.parent = frame.place;
    place.member = frame.mapping;
    if (frame.mapping) {
      place.name = frame.key;
      place.at = frame.key_at;
    } else {
      place.index = static_cast<std::uint32_t>(frame.items.size());
    }
  }
  places_.push_back(std::move(place));
  return static_cast<std::uint32_t>(places_.size() - 1);
}

bool TreeBuilder::NoteAnchor(Position at, std::size_t anchor, const Json& value, const Size& size) {
  if (anchor == 0) {
    return true;
  }
  anchors_[anchor] = {value, size, true};
  if (anchors_.size() > limits_.anchors) {
    Fatal(ManifestErrorCode::kTooManyNodes, at, AtMost("too many anchors", limits_.anchors));
  }
  return !failed_;
}

void TreeBuilder::Null(Position at, std::size_t anchor) {
  if (failed_ || !Count(at, {})) {
    return;
  }
  if (ExpectsKey()) {
    return BadKey(at, "keys must be strings, this one is empty or null");
  }
  AddPlace(at);
  if (NoteAnchor(at, anchor, {}, {})) {
    Deliver({}, at, {});
  }
}

void TreeBuilder::Scalar(Position at, std::string_view tag, std::size_t anchor,
                         const std::string& text) {
  if (failed_) {
    return;
  }
  if (ExpectsKey()) {
    return Key(at, tag, text);
  }
  const Size size{1, text.size(), 0};
  if (!Count(at, size)) {
    return;
  }
  AddPlace(at);
  Json value = ScalarValue(at, tag, text);
  if (NoteAnchor(at, anchor, value, size)) {
    Deliver(std::move(value), at, size);
  }
}

void TreeBuilder::Alias(Position at, std::size_t anchor) {
  if (failed_) {
    return;
  }
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end() || !found->second.complete) {
    return Fatal(ManifestErrorCode::kTooManyNodes, at,
                 "the alias stands inside what it stands for");
  }
  if (ExpectsKey()) {
    return BadKey(at, "keys must be strings, this one is an alias");
  }
  const Size size = found->second.size;
  alias_nodes_ += size.nodes;
  alias_bytes_ += size.bytes;
  if (alias_nodes_ > limits_.alias_nodes) {
    return Fatal(ManifestErrorCode::kTooManyNodes, at,
                 "aliases expand to more than " + std::to_string(limits_.alias_nodes) + " values");
  }
  if (alias_bytes_ > limits_.alias_bytes) {
    return Fatal(ManifestErrorCode::kTooManyNodes, at,
                 "aliases expand to more than " + std::to_string(limits_.alias_bytes) + " bytes");
  }
  if (static_cast<int>(stack_.size()) + size.depth > limits_.depth) {
    return Fatal(ManifestErrorCode::kTooDeep, at,
                 "nested deeper than " + std::to_string(limits_.depth) + " levels");
  }
  if (Count(at, size)) {
    AddPlace(at);
    Deliver(found->second.value, at, size);
  }
}

void TreeBuilder::Open(Position at, std::string_view tag, std::size_t anchor, bool mapping) {
  if (failed_ || !Count(at, {})) {
    return;
  }
  if (static_cast<int>(stack_.size()) >= limits_.depth) {
    return Fatal(ManifestErrorCode::kTooDeep, at,
                 "nested deeper than " + std::to_string(limits_.depth) + " levels");
  }
  if (ExpectsKey()) {
    BadKey(at,
           "keys must be strings, this one is a collection (a template that was not rendered?)");
    stack_.back().has_key = false;  // Close delivers the collection as the key.
  }
  CheckTag(at, tag, mapping);
  if (anchor != 0) {
    anchors_[anchor] = {};
  }
  Frame frame;
  frame.mapping = mapping;
  frame.at = at;
  frame.anchor = anchor;
  frame.place = AddPlace(at);
  frame.size.depth = 1;
  stack_.push_back(std::move(frame));
}

void TreeBuilder::Close() {
  if (failed_) {
    return;
  }
  Frame frame = std::move(stack_.back());
  Json value = frame.mapping ? FinishMapping(frame) : Json(std::move(frame.items));
  stack_.pop_back();
  if (NoteAnchor(frame.at, frame.anchor, value, frame.size)) {
    Deliver(std::move(value), frame.at, frame.size);
  }
}

/// Sorts the members by name; duplicates are errors.
Json TreeBuilder::FinishMapping(Frame& frame) {
  std::vector<Entry>& entries = frame.entries;
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.name < b.name; });
  Json out = Json::EmptyObject();
  Json::Object& members = out.MutableMembers();
  members.reserve(entries.size());
  Position first;
  for (Entry& entry : entries) {
    if (!members.empty() && members.back().name == entry.name) {
      AddError(
          ManifestErrorCode::kDuplicateKey, entry.at,
          "key " + Quote(entry.name) + " is repeated, first on line " + std::to_string(first.line),
          FieldPath(entry.name));
      continue;
    }
    first = entry.at;
    members.push_back({std::move(entry.name), std::move(entry.value)});
  }
  return out;
}

void TreeBuilder::Deliver(Json value, Position at, const Size& size) {
  if (stack_.empty()) {
    root_ = std::move(value);
    return;
  }
  Frame& frame = stack_.back();
  frame.size.nodes += size.nodes;
  frame.size.bytes += size.bytes + frame.key.size();
  frame.size.depth = std::max(frame.size.depth, size.depth + 1);
  if (!frame.mapping) {
    frame.items.push_back(std::move(value));
  } else if (!frame.has_key) {
    frame.has_key = true;  // A collection as key: already an error.
    frame.key_at = at;
  } else {
    if (!frame.bad_key) {
      frame.entries.push_back({std::move(frame.key), std::move(value), frame.key_at});
    }
    frame.key.clear();
    frame.has_key = false;
    frame.bad_key = false;
  }
}

}  // namespace midwatch::manifest
