#include "controller/manifest/loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <ostream>
#include <string>
#include <thread>

namespace midwatch::manifest {
namespace {

/// The documents as JSON lines, then the errors.
std::string Shown(const LoadedFile& file) {
  std::string out;
  for (const Document& document : file.documents) {
    out += document.body.Dump() + "\n";
  }
  for (const ManifestError& error : file.errors) {
    out += error.ToString() + "\n";
  }
  return out;
}

struct LoadCase {
  std::string_view name;
  std::string_view text;
  std::string_view want;
};
void PrintTo(const LoadCase& c, std::ostream* out) { *out << c.name; }

class LoaderTest : public testing::TestWithParam<LoadCase> {};

TEST_P(LoaderTest, Reads) {
  EXPECT_EQ(Shown(LoadManifests("a.yaml", GetParam().text)), GetParam().want);
}

constexpr auto kName = [](const auto& suite) { return std::string(suite.param.name); };

INSTANTIATE_TEST_SUITE_P(
    Documents, LoaderTest,
    testing::Values(
        LoadCase{"Empty", "", ""}, LoadCase{"WhiteSpaceOnly", " \n\n", ""},
        LoadCase{"CommentsOnly", "# a\n# b\n", ""},
        LoadCase{"MarkersOnly", "---\n---\n...\n---\n", ""},
        LoadCase{"CommentAfterTheMarker", "--- # first\nb: 2\na: 1\n", "{\"a\":1,\"b\":2}\n"},
        LoadCase{"ContentAfterTheMarker", "--- {a: 1}\n", "{\"a\":1}\n"},
        LoadCase{"Several", "a: 1\n---\nb: 2\n---\n# none\n---\nc: 3\n",
                 "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n"},
        LoadCase{"EndMarkerStartsAnother", "a: 1\n...\nb: 2\n", "{\"a\":1}\n{\"b\":2}\n"},
        LoadCase{"WindowsLineEnds", "a: 1\r\nb: x\r\n---\r\nc: 3\r\n",
                 "{\"a\":1,\"b\":\"x\"}\n{\"c\":3}\n"},
        LoadCase{"ByteOrderMark",
                 "\xEF\xBB\xBF"
                 "a: 1\n",
                 "{\"a\":1}\n"},
        LoadCase{"NoMarkerInsideAWord", "a: |\n  ---\n  x\nb: ---x\n",
                 "{\"a\":\"---\\nx\\n\",\"b\":\"---x\"}\n"},
        LoadCase{"JsonDocument", "{\"a\":[1,true,null,\"\\ud83d\\ude00\\/\\\\ud83d\"]}\n",
                 "{\"a\":[1,true,null,\"\xF0\x9F\x98\x80/\\\\ud83d\"]}\n"},
        LoadCase{"JsonWithTabs", "{\n\t\"a\": {\n\t\t\"b\": 1\n\t}\n}\n", "{\"a\":{\"b\":1}}\n"},
        LoadCase{"ListIsTakenApart",
                 "apiVersion: v1\nkind: List\nitems:\n- a: 1\n- kind: List\n  items: [{b: 2}]\n",
                 "{\"a\":1}\n{\"b\":2}\n"},
        LoadCase{"EmptyList", "apiVersion: v1\nkind: List\nitems: []\n", ""},
        LoadCase{"ScalarsAreResolved",
                 "a: [yes, 'yes', 014, 1e3, ~, !!str 12, 2026-11-21, \"\\u00e9\"]\n",
                 "{\"a\":[true,\"yes\",12,1000,null,\"12\",\"2026-11-21\",\"\xC3\xA9\"]}\n"},
        LoadCase{"BlockScalarAtTheEnd", "a: |\n  x\n\n", "{\"a\":\"x\\n\"}\n"},
        LoadCase{"BlockScalarKeepsItsLines", "a: |+\n  x\n\n", "{\"a\":\"x\\n\\n\"}\n"},
        LoadCase{"BlockScalarWithoutLineEnd", "a: |\n  x", "{\"a\":\"x\"}\n"},
        LoadCase{"BlockScalars", "a: |\n  x\n  y\nb: >-\n  x\n  y\n",
                 "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}\n"},
        LoadCase{"EscapesOfLatin1", "a: \"\\N\\_\\xe9\"\n",
                 "{\"a\":\"\xC2\x85\xC2\xA0\xC3\xA9\"}\n"},
        LoadCase{"AliasesAreExpanded", "a: &x {b: 1}\nc: [*x, *x]\n",
                 "{\"a\":{\"b\":1},\"c\":[{\"b\":1},{\"b\":1}]}\n"},
        LoadCase{"CoreTags", "a: !!int 3\nb: !!float 2\nc: !!map {d: !!seq [!!bool yes]}\n",
                 "{\"a\":3,\"b\":2,\"c\":{\"d\":[true]}}\n"},
        LoadCase{"StringKeysInQuotes", "'1': a\n\"yes\": b\n? c\n: d\n",
                 "{\"1\":\"a\",\"c\":\"d\",\"yes\":\"b\"}\n"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Errors, LoaderTest,
    testing::Values(
        LoadCase{"Tab", "a:\n\tb: 1\n",
                 "a.yaml:2:1: SyntaxError: tabs cannot indent YAML, use spaces\n"},
        LoadCase{"TabBeforeAnItem", "a:\n\t- b\n",
                 "a.yaml:2:1: SyntaxError: tabs cannot indent YAML, use spaces\n"},
        LoadCase{"TabAfterSpaces", "a:\n  b: 1\n \tc: 2\n",
                 "a.yaml:3:2: SyntaxError: tabs cannot indent YAML, use spaces\n"},
        LoadCase{"SecondColon", "a: b: c\n",
                 "a.yaml:1:5: SyntaxError: a second \": \" on this line (then quote the value), or "
                 "wrong indentation\n"},
        LoadCase{"PercentSign", "a: %x\n",
                 "a.yaml:1:4: SyntaxError: a value cannot begin with this character, quote it\n"},
        LoadCase{"MergeConflict", "a: 1\n---\nb:\n<<<<<<< HEAD\n  c: 1\n=======\n  c: 2\n",
                 "{\"a\":1}\na.yaml:4:1: SyntaxError: a merge conflict is left here\n"},
        LoadCase{"Template", "a: {{ .Values.a }}\n",
                 "a.yaml:1:5: InvalidKey: keys must be strings, this one is a collection (a "
                 "template that was not rendered?)\n"},
        LoadCase{"Outdent", "a:\n    b: 1\n  c: 2\n",
                 "a.yaml:3:3: SyntaxError: expected another key or the end of the mapping: wrong "
                 "indentation?\n"},
        LoadCase{"OpenFlow", "a: [1, 2\n", "a.yaml:2:1: SyntaxError: expected \",\" or \"]\"\n"},
        LoadCase{"OpenQuote", "a: \"b\n", "a.yaml:2:1: SyntaxError: a quoted string has no end\n"},
        LoadCase{"OpenQuoteAtTheVeryEnd", "a: 'b",
                 "a.yaml:1:6: SyntaxError: a quoted string has no end\n"},
        LoadCase{"OpenQuoteBeforeAMarker", "a: \"b\n---\nc: 3\n",
                 "{\"c\":3}\na.yaml:2:1: SyntaxError: a quoted string has no end\n"},
        LoadCase{"OneBadDocumentLeavesTheOthers", "a: 1\n---\nb: [\n---\nc: 3\n",
                 "{\"a\":1}\n{\"c\":3}\na.yaml:4:1: SyntaxError: expected \",\" or \"]\"\n"},
        LoadCase{"DuplicateKey", "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n",
                 "a.yaml:5:3: DuplicateKey: b.c: key \"c\" is repeated, first on line 3\n"},
        LoadCase{"DuplicateKeyTwice", "a: 1\na: 2\na: 3\n",
                 "a.yaml:2:1: DuplicateKey: a: key \"a\" is repeated, first on line 1\n"
                 "a.yaml:3:1: DuplicateKey: a: key \"a\" is repeated, first on line 1\n"},
        LoadCase{"DuplicateKeyInASequence", "a:\n- x: 1\n- z: 1\n  z: 2\n",
                 "a.yaml:4:3: DuplicateKey: a[1].z: key \"z\" is repeated, first on line 3\n"},
        LoadCase{
            "BooleanKey", "on: 1\n",
            "a.yaml:1:1: InvalidKey: keys must be strings, \"on\" reads as boolean, quote it\n"},
        LoadCase{
            "NumberKey", "a: {1: 2}\n",
            "a.yaml:1:5: InvalidKey: keys must be strings, \"1\" reads as integer, quote it\n"},
        LoadCase{"NullKey", "~: 1\n",
                 "a.yaml:1:1: InvalidKey: keys must be strings, this one is empty or null\n"},
        LoadCase{
            "CollectionKey", "? [a, b]\n: 1\n",
            "a.yaml:1:3: InvalidKey: keys must be strings, this one is a collection (a template "
            "that was not rendered?)\n"},
        LoadCase{"AliasKey", "a: &x b\n*x : 1\n",
                 "a.yaml:2:1: InvalidKey: keys must be strings, this one is an alias\n"},
        LoadCase{
            "MergeKey", "a: &x {b: 1}\nc:\n  <<: *x\n",
            "a.yaml:3:3: InvalidKey: merge keys (<<) are not supported, write the fields out\n"},
        LoadCase{"UnknownTag", "a: !secret x\nb: !!binary aGk=\n",
                 "a.yaml:1:4: UnknownTag: unknown tag \"!secret\"\na.yaml:2:4: UnknownTag: unknown "
                 "tag \"!!binary\"\n"},
        LoadCase{
            "WrongTag", "a: !!int x\n",
            "a.yaml:1:4: UnsupportedValue: the value is not of the type that its tag !!int says\n"},
        LoadCase{"NotANumberOfJson", "a: .nan\n",
                 "a.yaml:1:4: UnsupportedValue: JSON has no number .nan, quote it\n"},
        LoadCase{"AliasCycle", "a: &x [*x]\n",
                 "a.yaml:1:8: TooManyNodes: the alias stands inside what it stands for\n"},
        LoadCase{"UnknownAlias", "a: *x\n",
                 "a.yaml:1:4: SyntaxError: the referenced anchor is not defined\n"},
        LoadCase{"Directive", "%YAML 1.2\n---\na: 1\n",
                 "{\"a\":1}\na.yaml:1:1: SyntaxError: YAML directives are not supported\n"},
        LoadCase{
            "ScalarDocument", "just text\n",
            "a.yaml:1:1: NotAnObject: expected a mapping with apiVersion and kind, found string\n"},
        LoadCase{
            "SequenceDocument", "- a\n",
            "a.yaml:1:1: NotAnObject: expected a mapping with apiVersion and kind, found array\n"},
        LoadCase{"ScalarInAList", "kind: List\nitems: [{a: 1}, 2]\n",
                 "{\"a\":1}\na.yaml:2:17: NotAnObject: expected a mapping with apiVersion and "
                 "kind, found integer\n"},
        LoadCase{"BadUtf8", "a: 1\nb: \xC3\x28\n", "a.yaml:2:4: EncodingError: not valid UTF-8\n"},
        LoadCase{"Utf16",
                 "\xFF\xFE"
                 "a",
                 "a.yaml:1:1: EncodingError: the file is UTF-16, expected UTF-8\n"},
        LoadCase{"Nul", std::string_view("a: \0\n", 5), "a.yaml:1:4: EncodingError: a NUL byte\n"},
        LoadCase{"ControlCharacter", "a: \x1B[31m\n",
                 "a.yaml:1:4: EncodingError: a control character\n"}),
    kName);

TEST(LoaderLimitsTest, EveryLimitIsNamedWhenItIsCrossed) {
  const auto load = [](const std::string& text, LoadLimits limits = {}) {
    return Shown(LoadManifests("a.yaml", text, limits));
  };
  const std::string big = "a: " + std::string(std::size_t{1} << 20, 'x');
  EXPECT_EQ(load(big),
            "a.yaml:1:1: TooLarge: the manifest has 1048579 bytes, expected at most 1048576\n");
  EXPECT_EQ(load("a: 1\n---\n" + big + "\n---\nb: 2\n"),
            "{\"a\":1}\n{\"b\":2}\na.yaml:2:1: TooLarge: the manifest has 1048584 bytes, expected "
            "at most 1048576\n");
  EXPECT_EQ(load(std::string((std::size_t{32} << 20) + 1, '#')),
            "a.yaml: TooLarge: the file has 33554433 bytes, expected at most 33554432\n");

  const auto nested = [](std::size_t levels) {
    return "a: " + std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_EQ(LoadManifests("a.yaml", nested(63)).errors.size(), 0U);
  EXPECT_EQ(load(nested(64)), "a.yaml:1:67: TooDeep: nested deeper than 64 levels\n");
  EXPECT_EQ(load(nested(100'000)), "a.yaml:1:67: TooDeep: nested deeper than 64 levels\n");

  std::string many = "a: [0";
  for (int i = 0; i < 200'000; ++i) {
    many += ",1";
  }
  EXPECT_EQ(
      load(many + "]"),
      "a.yaml:1:400001: TooManyNodes: the document has too many values, expected at most 200000\n");

  std::string anchors = "a:\n";
  for (int i = 0; i <= 1000; ++i) {
    anchors += "- &a" + std::to_string(i) + " x\n";
  }
  EXPECT_EQ(
      load(anchors),
      "a.yaml:1002:3: TooManyNodes: the document has too many anchors, expected at most 1000\n");
}

TEST(LoaderLimitsTest, AliasBombsAreStopped) {
  std::string laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c <= 'j'; ++c) {
    laughs += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) {
      laughs += std::string(i > 0 ? "," : "") + "*" + static_cast<char>(c - 1);
    }
    laughs += "]\n";
  }
  EXPECT_EQ(Shown(LoadManifests("a.yaml", laughs)),
            "a.yaml:4:29: TooManyNodes: aliases expand to more than 10000 values\n");

  std::string text = "a: &a " + std::string(1000, 'x') + "\nb: [";
  for (int i = 0; i < 1100; ++i) {
    text += "*a, ";
  }
  EXPECT_EQ(Shown(LoadManifests("a.yaml", text + "]\n")),
            "a.yaml:2:4197: TooManyNodes: aliases expand to more than 1048576 bytes\n");

  std::string deep = "a: &a " + std::string(40, '[') + std::string(40, ']') + "\nb: ";
  deep += std::string(30, '[') + "*a" + std::string(30, ']') + "\n";
  EXPECT_EQ(Shown(LoadManifests("a.yaml", deep)),
            "a.yaml:2:34: TooDeep: nested deeper than 64 levels\n");
}

TEST(LoaderLimitsTest, ErrorsOfADocumentAreCapped) {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += "a: 1\n";
  }
  EXPECT_EQ(LoadManifests("a.yaml", text).errors.size(), LoadLimits{}.errors);
}

TEST(LoaderTest, ManyKeysInAnyOrderAreReadInReasonableTime) {
  std::string text;
  for (int i = 60'000; i > 0; --i) {
    text += "k" + std::to_string(i) + ": 1\n";
  }
  const LoadedFile file = LoadManifests("a.yaml", text);
  ASSERT_EQ(file.documents.size(), 1U);
  EXPECT_EQ(file.documents[0].body.Members().size(), 60'000U);
}

TEST(LoaderTest, KnowsWhereEachFieldStands) {
  const LoadedFile file =
      LoadManifests("a.yaml",
                    "a: 1\n---\n# note\nmetadata:\n  name: x\n  labels:\n    a.b/c: d\n"
                    "spec:\n  tasks:\n  - name: one\n  -\n    name: two\n    trigger: {cron: x}\n");
  ASSERT_EQ(file.documents.size(), 2U);
  const SourceMap& places = file.documents[1].places;
  const auto at = [&](std::string_view field) { return places.Find(field); };
  EXPECT_EQ(places.root(), (Position{4, 1}));
  EXPECT_EQ(at("metadata.name"), (Position{5, 3}));
  EXPECT_EQ(at("metadata.labels[a.b/c]"), (Position{7, 5}));
  EXPECT_EQ(at("metadata.labels.a.b/c"), (Position{7, 5}));
  EXPECT_EQ(at("spec.tasks[0].name"), (Position{10, 5}));
  EXPECT_EQ(at("spec.tasks[1].trigger.cron"), (Position{13, 15}));
  EXPECT_EQ(at("spec.tasks[1].timeout"), (Position{12, 5})) << "nearest parent";
  EXPECT_EQ(at("spec.agentRef.name"), (Position{8, 1})) << "nearest parent";
  EXPECT_EQ(at(""), (Position{4, 1}));
}

TEST(LoaderTest, PositionsInAListAreThoseOfTheItem) {
  const LoadedFile file =
      LoadManifests("a.yaml", "kind: List\nitems:\n- spec: {x: 1}\n- spec:\n    z: 1\n");
  ASSERT_EQ(file.documents.size(), 2U);
  EXPECT_EQ(file.documents[1].places.Find("spec.z"), (Position{5, 5}));
  EXPECT_EQ(file.documents[0].places.Find("spec.x"), (Position{3, 10}));
}

TEST(LoaderTest, MayBeCalledFromSeveralThreads) {
  const std::string text = "a: &x [1, 2]\nb: *x\n---\nc: {d: [yes, no]}\n";
  const std::string want = Shown(LoadManifests("a.yaml", text));
  std::vector<std::thread> threads;
  std::atomic<int> same = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        same += Shown(LoadManifests("a.yaml", text)) == want ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(same, 800);
}

TEST(LoadYamlTest, ReadsOneDocumentOfAnyShape) {
  EXPECT_EQ(LoadYaml("c.yaml", "- 1\n- 2\n").body.Dump(), "[1,2]");
  EXPECT_EQ(LoadYaml("c.yaml", "kind: List\nitems: []\n").body.Dump(),
            "{\"items\":[],\"kind\":\"List\"}");
  const LoadedYaml two = LoadYaml("c.yaml", "a: 1\n---\nb: 2\n");
  ASSERT_EQ(two.errors.size(), 1U);
  EXPECT_EQ(two.errors[0].ToString(),
            "c.yaml:2:1: SyntaxError: expected one document, found another");
}

}  // namespace
}  // namespace midwatch::manifest
