#include "controller/object/patch.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/base/text.h"

namespace midwatch {
namespace {

/// A parsed RFC 6901 pointer.
using Pointer = std::vector<std::string>;

Result<std::string> UnescapeToken(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out += token[i];
    } else if (++i < token.size() && (token[i] == '0' || token[i] == '1')) {
      out += token[i] == '0' ? '~' : '/';
    } else {
      return Fail(ErrorCode::kBadRequest, "expected 0 or 1 after ~ in a JSON pointer");
    }
  }
  return out;
}

Result<Pointer> ParsePointer(std::string_view text) {
  Pointer out;
  if (text.empty()) {
    return out;
  }
  if (text[0] != '/') {
    return Fail(ErrorCode::kBadRequest,
                "JSON pointer " + Quote(text) + ": expected it to be empty or to start with /");
  }
  for (const std::string_view token : Split(text.substr(1), '/')) {
    MIDWATCH_ASSIGN(std::string unescaped, UnescapeToken(token));
    out.push_back(std::move(unescaped));
  }
  return out;
}

/// The index that a token means in an array of `size` items: no sign, no leading zero.
std::optional<std::size_t> ToIndex(std::string_view token, std::size_t most) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool number = error == std::errc{} && end == token.data() + token.size() &&
                      (token.size() == 1 || token[0] != '0');
  return number && index <= most ? std::optional(index) : std::nullopt;
}

tl::unexpected<Error> Missing(const std::string& token) {
  return Fail(ErrorCode::kInvalid, "the path does not exist at " + Quote(token));
}

/// The value that the first `depth` tokens lead to, or the first token that leads nowhere.
Result<Json*> Walk(Json& root, const Pointer& path, std::size_t depth) {
  Json* at = &root;
  for (std::size_t i = 0; i < depth; ++i) {
    Json* next = nullptr;
    if (at->IsArray()) {
      const std::size_t size = at->Items().size();
      const auto index = size == 0 ? std::nullopt : ToIndex(path[i], size - 1);
      next = index ? &at->MutableItems()[*index] : nullptr;
    } else {
      next = at->FindMutable(path[i]);
    }
    if (next == nullptr) {
      return Missing(path[i]);
    }
    at = next;
  }
  return at;
}

/// What a patch costs beyond its own size: items shifted to make room, values visited. Without a
/// limit a few thousand operations on a large array take minutes.
class Work {
 public:
  Result<bool> Spend(std::size_t amount) {
    spent_ += amount;
    if (spent_ > kMaxJsonPatchWork) {
      return Fail(ErrorCode::kTooLarge,
                  "the patch moves more than " + std::to_string(kMaxJsonPatchWork) + " values");
    }
    return true;
  }

 private:
  std::size_t spent_ = 0;
};

struct Extent {
  int depth = 0;  ///< Nested containers, this one included.
  std::size_t values = 1;
};

Extent ExtentOf(const Json& value) {
  Extent out;
  const auto add = [&](const Json& child) {
    const Extent below = ExtentOf(child);
    out.depth = std::max(out.depth, below.depth);
    out.values += below.values;
  };
  for (const Json& item : value.Items()) {
    add(item);
  }
  for (const Json::Member& member : value.Members()) {
    add(member.value);
  }
  out.depth += value.IsArray() || value.IsObject() ? 1 : 0;
  return out;
}

/// So that no document gets deeper than ParseJson would accept.
Result<bool> CheckDepth(const Pointer& path, const Json& value, Work& work) {
  const Extent extent = ExtentOf(value);
  MIDWATCH_TRY(work.Spend(extent.values));
  const int most = JsonLimits{}.depth;
  if (static_cast<int>(path.size()) > most || static_cast<int>(path.size()) + extent.depth > most) {
    return Fail(ErrorCode::kTooLarge,
                "the result is nested deeper than " + std::to_string(most) + " levels");
  }
  return true;
}

Result<bool> Add(Json& root, const Pointer& path, Json value, Work& work) {
  MIDWATCH_TRY(CheckDepth(path, value, work));
  if (path.empty()) {
    root = std::move(value);
    return true;
  }
  MIDWATCH_ASSIGN(Json* const parent, Walk(root, path, path.size() - 1));
  const std::string& last = path.back();
  if (parent->IsObject()) {
    MIDWATCH_TRY(work.Spend(parent->Members().size()));
    parent->Set(last, std::move(value));
    return true;
  }
  if (!parent->IsArray()) {
    return Missing(last);
  }
  Json::Array& items = parent->MutableItems();
  const auto index = last == "-" ? std::optional(items.size()) : ToIndex(last, items.size());
  if (!index) {
    return Missing(last);
  }
  MIDWATCH_TRY(work.Spend(items.size() - *index));
  items.insert(items.begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return true;
}

Result<Json> Remove(Json& root, const Pointer& path, Work& work) {
  MIDWATCH_ASSIGN(Json* const target, Walk(root, path, path.size()));
  if (path.empty()) {
    return std::exchange(root, Json());
  }
  MIDWATCH_ASSIGN(Json* const parent, Walk(root, path, path.size() - 1));
  MIDWATCH_TRY(work.Spend(parent->Items().size() + parent->Members().size()));
  Json removed = std::move(*target);
  if (parent->IsObject()) {
    parent->Erase(path.back());
  } else {
    Json::Array& items = parent->MutableItems();
    items.erase(items.begin() + (target - items.data()));
  }
  return removed;
}

/// One operation at a time against the document; keeps count of what was added.
class JsonPatcher {
 public:
  explicit JsonPatcher(Json target) : document_(std::move(target)) {}

  Result<bool> Run(const Json& operation) {
    const std::string& op = operation.At("op").AsString();
    MIDWATCH_ASSIGN(const Pointer path, PointerOf(operation, "path"));
    if (op == "remove") {
      MIDWATCH_TRY(Remove(document_, path, work_));
      return true;
    }
    if (op == "add" || op == "replace" || op == "test") {
      const Json* value = operation.Find("value");
      if (value == nullptr) {
        return Fail(ErrorCode::kBadRequest, "expected a value");
      }
      return op == "add"       ? Grow(path, *value)
             : op == "replace" ? Replace(path, *value)
                               : Test(path, *value);
    }
    if (op == "copy" || op == "move") {
      MIDWATCH_ASSIGN(const Pointer from, PointerOf(operation, "from"));
      return op == "copy" ? Copy(from, path) : Move(from, path);
    }
    return Fail(ErrorCode::kBadRequest,
                "op " + Quote(op) + ": expected add, remove, replace, move, copy or test");
  }

  Json TakeDocument() { return std::move(document_); }

 private:
  static Result<Pointer> PointerOf(const Json& operation, std::string_view member) {
    const Json* text = operation.Find(member);
    if (text == nullptr || !text->IsString()) {
      return Fail(ErrorCode::kBadRequest, "expected a string as " + std::string(member));
    }
    return ParsePointer(text->AsString());
  }
  Result<bool> Grow(const Pointer& path, Json value) {
    grown_ += value.Dump().size();
    if (grown_ > kMaxJsonPatchGrowth) {
      return Fail(ErrorCode::kTooLarge,
                  "the patch adds more than " + std::to_string(kMaxJsonPatchGrowth) + " bytes");
    }
    return Add(document_, path, std::move(value), work_);
  }
  Result<bool> Replace(const Pointer& path, const Json& value) {
    MIDWATCH_ASSIGN(Json* const target, Walk(document_, path, path.size()));
    MIDWATCH_TRY(CheckDepth(path, value, work_));
    *target = value;
    return true;
  }
  Result<bool> Test(const Pointer& path, const Json& value) {
    MIDWATCH_ASSIGN(const Json* const target, Walk(document_, path, path.size()));
    if (*target == value) {
      return true;
    }
    return Fail(ErrorCode::kInvalid, "the test failed");  // What is stored may be a secret.
  }
  Result<bool> Copy(const Pointer& from, const Pointer& path) {
    MIDWATCH_ASSIGN(const Json* const source, Walk(document_, from, from.size()));
    return Grow(path, *source);
  }
  Result<bool> Move(const Pointer& from, const Pointer& path) {
    if (path.size() > from.size() && std::equal(from.begin(), from.end(), path.begin())) {
      return Fail(ErrorCode::kInvalid, "a value cannot be moved into itself");
    }
    MIDWATCH_ASSIGN(Json moved, Remove(document_, from, work_));
    return Add(document_, path, std::move(moved), work_);
  }

  Json document_;
  std::size_t grown_ = 0;
  Work work_;
};

void MergeInto(Json& target, const Json& patch) {
  if (!patch.IsObject()) {
    target = patch;
    return;
  }
  Json::Object& old = target.MutableMembers();  // A target that is no object becomes an empty one.
  Json::Object merged;
  merged.reserve(old.size() + patch.Members().size());
  auto at = old.begin();
  for (const auto& [name, value] : patch.Members()) {
    for (; at != old.end() && at->name < name; ++at) {
      merged.push_back(std::move(*at));
    }
    const bool exists = at != old.end() && at->name == name;
    if (!value.IsNull()) {
      merged.push_back({name, exists ? std::move(at->value) : Json()});
      MergeInto(merged.back().value, value);
    }
    at += exists ? 1 : 0;
  }
  std::move(at, old.end(), std::back_inserter(merged));
  old = std::move(merged);
}

}  // namespace

Json ApplyMergePatch(Json target, const Json& patch) {
  MergeInto(target, patch);
  return target;
}

Result<Json> ApplyJsonPatch(Json target, const Json& patch) {
  if (!patch.IsArray()) {
    return Fail(ErrorCode::kBadRequest,
                "error decoding patch: expected an array of operations, found " +
                    std::string(patch.TypeName()));
  }
  const Json::Array& operations = patch.Items();
  if (operations.size() > kMaxJsonPatchOperations) {
    return Fail(ErrorCode::kTooLarge,
                "Request entity too large: The allowed maximum operations in a JSON patch is " +
                    std::to_string(kMaxJsonPatchOperations) + ", got " +
                    std::to_string(operations.size()));
  }
  JsonPatcher patcher(std::move(target));
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (auto done = patcher.Run(operations[i]); !done) {
      return Fail(done.error().code, "patch[" + std::to_string(i) + "]: " + done.error().message);
    }
  }
  return patcher.TakeDocument();
}

}  // namespace midwatch
