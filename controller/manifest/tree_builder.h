#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controller/manifest/loader.h"
#include "controller/manifest/manifest_error.h"
#include "controller/manifest/source_map.h"
#include "controller/object/json.h"

namespace midwatch::manifest {

/// Builds a document from the events of a YAML parser, within limits. After a limit is crossed
/// everything is ignored; other mistakes are noted and reading goes on.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view path, const LoadLimits& limits) : path_(path), limits_(limits) {}

  // Events. `anchor` is 0 for none; `tag` as yaml-cpp gives it: `?` plain, `!` quoted, or written
  // out.
  void Null(Position at, std::size_t anchor);
  void Alias(Position at, std::size_t anchor);
  void Scalar(Position at, std::string_view tag, std::size_t anchor, const std::string& text);
  void Open(Position at, std::string_view tag, std::size_t anchor, bool mapping);
  void Close();

  /// The document cannot be read at all: what was found before may come from misreading it.
  void SetSyntaxError(Position at, std::string message);
  void AddError(ManifestErrorCode code, Position at, std::string message, std::string field = {});

  Json TakeBody() { return std::move(root_); }
  SourceMap TakePlaces() { return SourceMap(std::move(places_)); }
  std::vector<ManifestError> TakeErrors() { return std::move(errors_); }

 private:
  struct Entry {
    std::string name;
    Json value;
    Position at;
  };
  struct Size {
    std::size_t nodes = 1;
    std::size_t bytes = 0;
    int depth = 0;  ///< Of containers.
  };
  struct Frame {
    bool mapping = false;
    bool has_key = false;  ///< The next value belongs to `key`.
    bool bad_key = false;  ///< … and is dropped.
    std::string key;
    Position key_at;
    std::vector<Entry> entries;
    Json::Array items;
    Position at;
    std::size_t anchor = 0;
    std::uint32_t place = 0;
    Size size;
  };
  struct Anchored {
    Json value;
    Size size;
    bool complete = false;
  };

  bool ExpectsKey() const;
  void Key(Position at, std::string_view tag, const std::string& text);
  void BadKey(Position at, std::string message);
  Json ScalarValue(Position at, std::string_view tag, const std::string& text);
  bool CheckTag(Position at, std::string_view tag, bool mapping);
  bool Count(Position at, const Size& size);
  bool NoteAnchor(Position at, std::size_t anchor, const Json& value, const Size& size);
  std::uint32_t AddPlace(Position at);
  void Deliver(Json value, Position at, const Size& size);
  Json FinishMapping(Frame& frame);
  void Fatal(ManifestErrorCode code, Position at, std::string message);
  std::string FieldPath(std::string_view last) const;

  std::string_view path_;
  const LoadLimits& limits_;
  std::vector<Frame> stack_;
  std::unordered_map<std::size_t, Anchored> anchors_;
  std::vector<SourceMap::Place> places_;
  Json root_;
  std::size_t nodes_ = 0;
  std::size_t alias_nodes_ = 0;
  std::size_t alias_bytes_ = 0;
  bool failed_ = false;
  std::vector<ManifestError> errors_;
};

}  // namespace midwatch::manifest
