#include "controller/agent/result_check.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "controller/api/codec.h"
#include "controller/api/embedded_document.h"
#include "controller/api/report.h"
#include "controller/base/check.h"
#include "controller/base/text.h"

namespace midwatch::agent {
namespace {

/// The field of a Report's spec that holds the result.
std::string_view MemberOf(api::MissionType type) {
  switch (type) {
    case api::MissionType::kAutoDiagnose:
      return "diagnosis";
    case api::MissionType::kApprovalRecommend:
      return "recommendation";
    case api::MissionType::kSummarizeJob:
      return "summary";
  }
  return "diagnosis";
}

std::string_view SchemaOf(api::MissionType type) {
  switch (type) {
    case api::MissionType::kAutoDiagnose:
      return "Diagnosis";
    case api::MissionType::kApprovalRecommend:
      return "Recommendation";
    case api::MissionType::kSummarizeJob:
      return "Summary";
  }
  return "Diagnosis";
}

/// The schema of an object whose only field, `result`, is that of the Report's part for this type.
schema::CompiledSchema CompileFor(api::MissionType type) {
  const Json report = api::EmbeddedSchemaOf(api::Report::Type());
  const Json part = report.At("properties", "spec", "properties", MemberOf(type));
  auto compiled =
      schema::CompiledSchema::Compile(Json::Of({{"type", "object"},
                                                {"properties", Json::Of({{"result", part}})},
                                                {"required", Json::ArrayOf({"result"})}}));
  MIDWATCH_CHECK(compiled.has_value());
  return std::move(*compiled);
}

/// `a.b` for `result.a.b`.
std::string Shown(std::string_view path) {
  constexpr std::string_view kPrefix = "result.";
  return std::string(path.starts_with(kPrefix) ? path.substr(kPrefix.size()) : path);
}

struct LineRange {
  std::size_t first = 0;
  std::size_t last = 0;
};

std::optional<LineRange> ParseLines(std::string_view text) {
  LineRange range;
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, range.first);
  if (parsed.ec != std::errc()) return std::nullopt;
  range.last = range.first;
  if (parsed.ptr != end && *parsed.ptr == '-') {
    parsed = std::from_chars(parsed.ptr + 1, end, range.last);
  }
  if (parsed.ec != std::errc() || parsed.ptr != end || range.last < range.first)
    return std::nullopt;
  return range;
}

std::string WithoutCarriageReturns(const std::string& quote) {
  std::string out;
  for (const char c : quote) {
    if (c != '\r') out.push_back(c);
  }
  return out;
}

std::string NamesOf(const ArtifactTexts& inputs) {
  std::vector<std::string> names;
  for (const auto& [name, text] : inputs) names.push_back(Quote(name));
  return names.empty() ? "there are none" : Join(names, ", ");
}

/// The lines of a quote that begins on line `first`.
std::string LinesFrom(std::size_t first, std::string_view quote) {
  const auto more = static_cast<std::size_t>(std::count(quote.begin(), quote.end(), '\n'));
  return std::to_string(first) + (more == 0 ? "" : "-" + std::to_string(first + more));
}

/// What is wrong with one piece of evidence, or empty. Fills its lines in.
std::string CheckEvidence(Json& evidence, const ArtifactTexts& inputs) {
  const std::string& name = evidence.At("artifact").AsString();
  const auto input = inputs.find(name);
  if (input == inputs.end()) {
    return "artifact: " + Quote(name) + " is no input of this Run; expected one of " +
           NamesOf(inputs);
  }
  const ArtifactText& text = input->second;
  const std::string quote = WithoutCarriageReturns(evidence.At("quote").AsString());
  if (Trim(quote).empty()) return "quote: expected some text";
  const auto stands = text.FindQuote(quote);
  if (!stands) {
    return "quote: does not stand in artifact " + Quote(name) + ": " +
           Quote(Utf8Prefix(quote, 200));
  }
  const std::string lines = evidence.At("lines").AsString();
  if (lines.empty()) {
    evidence.Set("lines", LinesFrom(*stands, quote));
    return {};
  }
  const auto range = ParseLines(lines);
  if (!range) {
    return "lines: " + Quote(lines) + ": expected a line or a range such as 12 or 12-14";
  }
  if (text.Lines(range->first, range->last).find(quote) == std::string_view::npos) {
    return "quote: does not stand on lines " + lines + " of artifact " + Quote(name) +
           ", but on line " + std::to_string(*stands);
  }
  evidence.Set("lines", LinesFrom(*text.FindQuote(quote, range->first), quote));
  return {};
}

/// As the schema of an object takes it.
Json Wrapped(const Json& result) {
  return Json::Of({{"apiVersion", "midwatch.dev/v1alpha1"},
                   {"kind", "Result"},
                   {"metadata", Json::Of({{"name", "result"}})},
                   {"result", result}});
}

}  // namespace

ResultCheck::ResultCheck(api::MissionType type)
    : schema_(CompileFor(type)),
      input_schema_(api::Embedded(api::EmbeddedSchemas(), SchemaOf(type))) {
  for (const char* member : {"$schema", "$comment", "title"}) input_schema_.Erase(member);
}

Result<Json> ResultCheck::Check(const Json& submitted, const ArtifactTexts& inputs) const {
  if (submitted.Dump().size() > kMaxBytes) {
    return Fail(ErrorCode::kTooLarge,
                "the result has more than " + std::to_string(kMaxBytes) + " bytes as JSON");
  }
  Json object = Wrapped(submitted);
  std::vector<std::string> wrong;
  for (const schema::UnknownField& unknown : schema_.Prune(object)) {
    const std::string hint =
        unknown.suggestion.empty() ? "" : "; did you mean " + unknown.suggestion + "?";
    wrong.push_back(Shown(unknown.path) + ": unknown field" + hint);
  }
  for (const schema::FieldError& error : schema_.Validate(object)) {
    wrong.push_back(Shown(error.field) + ": " + error.message);
  }
  if (!wrong.empty()) {
    return Fail(ErrorCode::kInvalid, Join(wrong, "\n"));
  }
  Json result = object.At("result");
  std::size_t index = 0;
  if (Json* list = result.FindMutable("evidence")) {
    for (Json& evidence : list->MutableItems()) {
      const std::string error = CheckEvidence(evidence, inputs);
      if (!error.empty()) wrong.push_back("evidence[" + std::to_string(index) + "]." + error);
      ++index;
    }
  }
  if (!wrong.empty()) {
    return Fail(ErrorCode::kInvalid, Join(wrong, "\n"));
  }
  if (result.Dump().size() > kMaxBytes) {
    return Fail(ErrorCode::kTooLarge,
                "the result has more than " + std::to_string(kMaxBytes) + " bytes as JSON");
  }
  return result;
}

Result<void> ResultCheck::CheckKept(const Json& kept) const {
  std::vector<std::string> wrong;
  for (const schema::FieldError& error : schema_.Validate(Wrapped(kept))) {
    wrong.push_back(Shown(error.field) + ": without its control characters: " + error.message);
  }
  return wrong.empty() ? Result<void>() : Fail(ErrorCode::kInvalid, Join(wrong, "\n"));
}

}  // namespace midwatch::agent
