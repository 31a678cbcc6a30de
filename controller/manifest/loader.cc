#include "controller/manifest/loader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <exception>
#include <istream>
#include <optional>
#include <streambuf>
#include <utility>

#include "controller/base/text.h"
#include "controller/manifest/document_splitter.h"
#include "controller/manifest/tree_builder.h"

namespace midwatch::manifest {
namespace {

/// Reads a document in place, then an end marker: without it yaml-cpp accepts a quoted scalar that
/// runs to the end of the input. (It notices by itself when the last line has no end.)
class DocumentBuffer final : public std::streambuf {
 public:
  explicit DocumentBuffer(std::string_view text) : needs_marker_(text.ends_with('\n')) {
    Set(text);
  }

 protected:
  int_type underflow() override {
    if (gptr() == egptr() && std::exchange(needs_marker_, false)) {
      Set("...\n");
    }
    return gptr() == egptr() ? traits_type::eof() : traits_type::to_int_type(*gptr());
  }

 private:
  void Set(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // The get area is never written.
    setg(begin, begin, begin + text.size());
  }

  bool needs_marker_;
};

/// yaml-cpp decodes the escapes `\N` and `\_` to the bytes 85 and A0 of Latin-1. The input is
/// UTF-8, so any other byte out of place cannot be.
std::string RepairLatin(std::string value) {
  while (const auto at = FindInvalidUtf8(value)) {
    value.insert(*at, 1, '\xC2');
  }
  return value;
}

/// Hands yaml-cpp's events to a TreeBuilder.
class EventAdapter final : public YAML::EventHandler {
 public:
  EventAdapter(TreeBuilder& builder, std::uint32_t first_line)
      : builder_(builder), first_line_(first_line) {}

  Position At(const YAML::Mark& mark) const {
    return {first_line_ + static_cast<std::uint32_t>(std::max(mark.line, 0)),
            static_cast<std::uint32_t>(std::max(mark.column, 0)) + 1};
  }

  std::uint32_t first_line() const { return first_line_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    builder_.Null(At(mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    builder_.Alias(At(mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool intact = tag == "?" || !FindInvalidUtf8(value);
    builder_.Scalar(At(mark), tag, anchor, intact ? value : RepairLatin(value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    builder_.Open(At(mark), tag, anchor, false);
  }
  void OnSequenceEnd() override { builder_.Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    builder_.Open(At(mark), tag, anchor, true);
  }
  void OnMapEnd() override { builder_.Close(); }

 private:
  TreeBuilder& builder_;
  std::uint32_t first_line_;
};

/// yaml-cpp's messages say where it stood, not what the writer should do.
std::string Explain(const std::string& message) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kHints = {{
      {"illegal tab when looking for indentation", "tabs cannot indent YAML, use spaces"},
      {"illegal map value",
       "a second \": \" on this line (then quote the value), or wrong indentation"},
      {"unknown token", "a value cannot begin with this character, quote it"},
      {"end of map not found",
       "expected another key or the end of the mapping: wrong indentation?"},
      {"end of sequence not found", "expected \"- \" or the end of the list: wrong indentation?"},
      {"end of map flow not found", "expected \",\" or \"}\""},
      {"end of sequence flow not found", "expected \",\" or \"]\""},
      {"illegal EOF in scalar", "a quoted string has no end"},
      {"illegal document indicator in scalar", "a quoted string has no end"},
      {"bad file", "nested too deep"},
  }};
  const auto hint = std::find_if(kHints.begin(), kHints.end(),
                                 [&](const auto& row) { return message.starts_with(row.first); });
  return hint == kHints.end() ? message : std::string(hint->second);
}

bool IsSurrogateEscape(std::string_view text, char low, char high) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u' || (text[2] | 0x20) != 'd') {
    return false;
  }
  const char third = static_cast<char>(text[3] | (text[3] >= 'A' ? 0x20 : 0));
  return third >= low && third <= high &&
         text.substr(4, 2).find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

std::uint32_t HexOf(std::string_view digits) {
  std::uint32_t out = 0;
  for (const char c : digits) {
    out = out * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return out;
}

/// JSON writes characters beyond U+FFFF as two escapes, YAML as one of eight digits.
std::string JoinSurrogates(std::string_view json) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t at = 0; at < json.size();) {
    const std::string_view rest = json.substr(at);
    if (IsSurrogateEscape(rest, '8', 'b') && IsSurrogateEscape(rest.substr(6), 'c', 'f')) {
      const std::uint32_t code = 0x10000 + ((HexOf(rest.substr(2, 4)) - 0xD800) << 10U) +
                                 (HexOf(rest.substr(8, 4)) - 0xDC00);
      out += "\\U000";
      for (unsigned shift = 20; shift > 0; shift -= 4) {
        out += kDigits[(code >> (shift - 4)) & 15U];
      }
      at += 12;
      continue;
    }
    const std::size_t step = rest[0] == '\\' ? std::min<std::size_t>(2, rest.size()) : 1;
    out += rest.substr(0, step);
    at += step;
  }
  return out;
}

bool IsJson(std::string_view text) {
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  return at != text.npos && text[at] == '{';
}

/// Column of a tab in the indentation of a line (from 1, counted in the document), or 0.
std::uint32_t TabColumn(std::string_view text, int line) {
  for (; line > 0; --line) {
    const std::size_t end = text.find('\n');
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  const std::size_t indent = std::min(text.find_first_not_of(" \t"), text.size());
  const std::size_t tab = text.substr(0, indent).find('\t');
  return tab == text.npos ? 0 : static_cast<std::uint32_t>(tab + 1);
}

/// The line (from 0) on which git has left a merge undone.
std::optional<std::uint32_t> ConflictLine(std::string_view text) {
  for (std::uint32_t line = 0; !text.empty(); ++line) {
    if (text.starts_with("<<<<<<< ")) {
      return line;
    }
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  return std::nullopt;
}

void NoteSyntaxError(std::string_view text, const YAML::Exception& error,
                     const EventAdapter& adapter, TreeBuilder& builder) {
  Position at = adapter.At(error.mark);
  if (const auto line = ConflictLine(text)) {
    builder.SetSyntaxError({adapter.first_line() + *line, 1}, "a merge conflict is left here");
  } else if (const std::uint32_t tab = IsJson(text) ? 0 : TabColumn(text, error.mark.line);
             tab > 0) {
    at.column = tab;
    builder.SetSyntaxError(at, "tabs cannot indent YAML, use spaces");
  } else {
    builder.SetSyntaxError(at, Explain(error.msg));
  }
}

void RunParser(std::string_view text, EventAdapter& adapter, TreeBuilder& builder) {
  try {
    DocumentBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(adapter);
  } catch (const YAML::Exception& error) {
    NoteSyntaxError(text, error, adapter, builder);
  } catch (const std::exception& error) {
    builder.SetSyntaxError(adapter.At(YAML::Mark()), error.what());
  }
}

bool StartsWithDirective(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t at = line.find_first_not_of(" \t\r");
    if (at != line.npos && line[at] != '#') {
      return line.starts_with('%');
    }
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return false;
}

void ReadDocument(const DocumentText& document, const LoadLimits& limits, TreeBuilder& builder) {
  const Position start{document.first_line, 1};
  if (document.text.size() > limits.document_bytes) {
    builder.AddError(ManifestErrorCode::kTooLarge, start,
                     "the manifest has " + std::to_string(document.text.size()) +
                         " bytes, expected at most " + std::to_string(limits.document_bytes));
    return;
  }
  if (StartsWithDirective(document.text)) {
    builder.AddError(ManifestErrorCode::kSyntax, start, "YAML directives are not supported");
    return;
  }
  EventAdapter adapter(builder, document.first_line);
  if (IsJson(document.text)) {
    RunParser(JoinSurrogates(document.text), adapter, builder);
  } else {
    RunParser(document.text, adapter, builder);
  }
}

struct BadByte {
  std::size_t offset;
  std::string_view message;
};

/// YAML's printable characters (1.2, section 5.1), as far as single bytes decide.
std::optional<std::size_t> FindControl(std::string_view bytes) {
  const auto found = std::find_if(bytes.begin(), bytes.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7F;
  });
  return found == bytes.end() ? std::nullopt
                              : std::optional(static_cast<std::size_t>(found - bytes.begin()));
}

std::optional<BadByte> FindBadByte(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    return BadByte{0, "the file is UTF-16, expected UTF-8"};
  }
  if (const auto at = FindInvalidUtf8(bytes)) {
    return BadByte{*at, "not valid UTF-8"};
  }
  if (const auto at = FindControl(bytes)) {
    return BadByte{*at, bytes[*at] == '\0' ? "a NUL byte" : "a control character"};
  }
  return std::nullopt;
}

Position PositionOf(std::string_view bytes, std::size_t offset) {
  const std::string_view before = bytes.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t start = before.rfind('\n') + 1;
  return {static_cast<std::uint32_t>(lines + 1), static_cast<std::uint32_t>(offset - start + 1)};
}

/// What keeps the whole file from being read.
std::optional<ManifestError> CheckFile(std::string_view path, std::string_view bytes,
                                       const LoadLimits& limits) {
  ManifestError error;
  error.path = path;
  if (bytes.size() > limits.file_bytes) {
    error.code = ManifestErrorCode::kTooLarge;
    error.message = "the file has " + std::to_string(bytes.size()) + " bytes, expected at most " +
                    std::to_string(limits.file_bytes);
    return error;
  }
  if (const std::optional<BadByte> bad = FindBadByte(bytes)) {
    error.code = ManifestErrorCode::kEncoding;
    error.at = PositionOf(bytes, bad->offset);
    error.message = bad->message;
    return error;
  }
  return std::nullopt;
}

bool IsList(const Json& body) {
  return body.At("kind").AsString().ends_with("List") && body.At("items").IsArray();
}

ManifestError NotAMapping(std::string_view path, Position at, const Json& body) {
  return {ManifestErrorCode::kNotAnObject,
          std::string(path),
          at,
          {},
          {},
          {},
          "expected a mapping with apiVersion and kind, found " + std::string(body.TypeName())};
}

/// Takes Lists apart, Lists in Lists too.
void AddDocument(std::string_view path, Document document, LoadedFile& out) {
  if (!document.body.IsObject()) {
    out.errors.push_back(NotAMapping(path, document.places.root(), document.body));
    return;
  }
  if (!IsList(document.body)) {
    out.documents.push_back(std::move(document));
    return;
  }
  Json::Array& items = document.body.FindMutable("items")->MutableItems();
  const std::vector<SourceMap> places = document.places.ItemsOf("items");
  for (std::size_t i = 0; i < items.size(); ++i) {
    AddDocument(path, {std::move(items[i]), i < places.size() ? places[i] : document.places}, out);
  }
}

std::string_view WithoutMark(std::string_view bytes) {
  return bytes.substr(bytes.starts_with("\xEF\xBB\xBF") ? 3 : 0);
}

}  // namespace

LoadedFile LoadManifests(std::string_view path, std::string_view bytes, const LoadLimits& limits) {
  LoadedFile out;
  if (auto error = CheckFile(path, bytes, limits)) {
    out.errors.push_back(*std::move(error));
    return out;
  }
  for (const DocumentText& document : SplitDocuments(WithoutMark(bytes))) {
    if (document.blank) {
      continue;
    }
    TreeBuilder builder(path, limits);
    ReadDocument(document, limits, builder);
    std::vector<ManifestError> errors = builder.TakeErrors();
    if (errors.empty()) {
      AddDocument(path, {builder.TakeBody(), builder.TakePlaces()}, out);
    } else {
      std::move(errors.begin(), errors.end(), std::back_inserter(out.errors));
    }
  }
  return out;
}

LoadedYaml LoadYaml(std::string_view path, std::string_view bytes, const LoadLimits& limits) {
  LoadedYaml out;
  if (auto error = CheckFile(path, bytes, limits)) {
    out.errors.push_back(*std::move(error));
    return out;
  }
  bool found = false;
  for (const DocumentText& document : SplitDocuments(WithoutMark(bytes))) {
    if (document.blank) {
      continue;
    }
    TreeBuilder builder(path, limits);
    if (std::exchange(found, true)) {
      builder.AddError(ManifestErrorCode::kSyntax, {document.first_line, 1},
                       "expected one document, found another");
    } else {
      ReadDocument(document, limits, builder);
      out.body = builder.TakeBody();
      out.places = builder.TakePlaces();
    }
    std::vector<ManifestError> errors = builder.TakeErrors();
    std::move(errors.begin(), errors.end(), std::back_inserter(out.errors));
  }
  return out;
}

}  // namespace midwatch::manifest
