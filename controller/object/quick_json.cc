#include "controller/object/quick_json.h"

#include <simdjson.h>

#include <algorithm>
#include <string>

namespace midwatch {
namespace {

using simdjson::dom::element_type;

/// Makes the tree of what simdjson has read. False where the general parser is to judge.
class Builder {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool Build(const simdjson::dom::element& from, Json& out, int depth) {
    if (++nodes_ > limits_.nodes) {
      return false;
    }
    switch (from.type()) {
      case element_type::OBJECT:
        return depth < limits_.depth && BuildObject(from, out, depth + 1);
      case element_type::ARRAY:
        return depth < limits_.depth && BuildArray(from, out, depth + 1);
      case element_type::STRING:
        out = std::string_view(from);
        return true;
      case element_type::INT64:
        out = std::int64_t(from);
        return true;
      case element_type::DOUBLE:
        out = double(from);
        return true;
      case element_type::BOOL:
        out = bool(from);
        return true;
      case element_type::NULL_VALUE:
        out = nullptr;
        return true;
      case element_type::UINT64:
        return false;
    }
    return false;
  }

 private:
  bool BuildObject(const simdjson::dom::object& from, Json& out, int depth) {
    Json::Object& members = out.MutableMembers();
    members.reserve(from.size());
    bool sorted = true;
    for (const auto& [name, value] : from) {
      sorted = sorted && (members.empty() || members.back().name < name);
      members.push_back({std::string(name), {}});
      if (!Build(value, members.back().value, depth)) {
        return false;
      }
    }
    return sorted || SortMembers(members);
  }

  /// False if a name stands there twice.
  static bool SortMembers(Json::Object& members) {
    std::sort(members.begin(), members.end(),
              [](const Json::Member& a, const Json::Member& b) { return a.name < b.name; });
    return std::adjacent_find(members.begin(), members.end(),
                              [](const Json::Member& a, const Json::Member& b) {
                                return a.name == b.name;
                              }) == members.end();
  }

  bool BuildArray(const simdjson::dom::array& from, Json& out, int depth) {
    Json::Array& items = out.MutableItems();
    items.reserve(from.size());
    for (const simdjson::dom::element& item : from) {
      items.emplace_back();
      if (!Build(item, items.back(), depth)) {
        return false;
      }
    }
    return true;
  }

  const JsonLimits& limits_;
  std::size_t nodes_ = 0;
};

/// The buffers of a thread's parser are kept for its next text, unless they are large: making them
/// takes longer than reading an object of usual size.
constexpr std::size_t kMostKept = std::size_t{64} << 10;

std::optional<Json> ReadWith(simdjson::dom::parser& parser, std::string_view text,
                             const JsonLimits& limits) {
  simdjson::dom::element root;
  Json out;
  if (text.empty() || parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS ||
      !Builder(limits).Build(root, out, 0)) {
    return std::nullopt;
  }
  return out;
}

}  // namespace

std::optional<Json> ReadQuickly(std::string_view text, const JsonLimits& limits) {
  if (text.size() > kMostKept) {
    simdjson::dom::parser parser;
    return ReadWith(parser, text, limits);
  }
  thread_local simdjson::dom::parser parser(kMostKept);
  return ReadWith(parser, text, limits);
}

}  // namespace midwatch
