#include "controller/cli/diff_output.h"

#include <algorithm>

#include "controller/base/text.h"
#include "controller/cli/object_output.h"
#include "controller/manifest/diff.h"

namespace midwatch::cli {
namespace {

struct VerbRow {
  std::string_view mark;
  std::string_view word;
  Colour colour;
};

VerbRow RowOf(DiffVerb verb) {
  switch (verb) {
    case DiffVerb::kCreate:
      return {"+", "create", Colour::kGreen};
    case DiffVerb::kUpdate:
      return {"~", "update", Colour::kYellow};
    case DiffVerb::kPrune:
      return {"-", "prune", Colour::kRed};
  }
  return {"?", "?", Colour::kNone};
}

std::string Summary(const DiffResult& result, const Style& style) {
  if (result.steps.empty()) {
    return style.In(Colour::kGreen, "No differences") + "; " + std::to_string(result.unchanged) +
           " unchanged\n";
  }
  std::size_t counts[3] = {};
  for (const DiffStep& step : result.steps) {
    ++counts[static_cast<std::size_t>(step.verb)];
  }
  return "Plan: " + style.In(Colour::kGreen, std::to_string(counts[0]) + " to create") + ", " +
         style.In(Colour::kYellow, std::to_string(counts[1]) + " to update") + ", " +
         style.In(Colour::kRed, std::to_string(counts[2]) + " to prune") + "; " +
         std::to_string(result.unchanged) + " unchanged\n";
}

std::string ForPeople(const DiffResult& result, const Style& style) {
  std::string out;
  for (const DiffStep& step : result.steps) {
    const VerbRow row = RowOf(step.verb);
    out += style.In(row.colour, std::string(row.mark) + " " + std::string(row.word)) + " " +
           style.Bold(step.object);
    out += step.place.empty() ? "" : style.Dim("  " + HarmlessLine(step.place));
    out += step.loses_data ? style.In(Colour::kRed, "  loses data") : "";
    out += "\n";
    const std::string lines =
        manifest::RenderDiff(step.before, step.after, {.color = style.coloured()});
    for (const std::string_view line : Split(Trim(lines), '\n')) {
      out += line.empty() ? std::string("\n") : "    " + std::string(line) + "\n";
    }
    out += "\n";
  }
  for (const std::string& note : result.notes) {
    out += note + "\n";
  }
  return out + Summary(result, style);
}

std::string AsMarkdown(const DiffResult& result) {
  std::string out = "### Midwatch\n\n" + Summary(result, Style(false)) + "\n";
  for (const DiffStep& step : result.steps) {
    const VerbRow row = RowOf(step.verb);
    out += "<details><summary><code>" + std::string(row.mark) + "</code> " + std::string(row.word) +
           " <b>" + step.object + "</b>" + (step.loses_data ? " (loses data)" : "") +
           "</summary>\n\n```diff\n" + manifest::RenderDiff(step.before, step.after) +
           "```\n\n</details>\n";
  }
  for (const std::string& note : result.notes) {
    out += "\n" + note + "\n";
  }
  return out;
}

std::string AsValue(const DiffResult& result, OutputFormat format) {
  constexpr std::string_view kKinds[] = {"added", "removed", "changed"};
  Json steps = Json::EmptyArray();
  for (const DiffStep& step : result.steps) {
    Json fields = Json::EmptyArray();
    if (step.verb == DiffVerb::kUpdate) {
      for (const manifest::FieldChange& change : manifest::DiffFields(step.before, step.after)) {
        fields.Append(Json::Of({{"kind", Json(kKinds[static_cast<std::size_t>(change.kind)])},
                                {"field", change.field},
                                {"before", change.before},
                                {"after", change.after}}));
      }
    }
    steps.Append(Json::Of({{"verb", Json(RowOf(step.verb).word)},
                           {"object", step.object},
                           {"place", step.place},
                           {"losesData", step.loses_data},
                           {"fields", std::move(fields)}}));
  }
  Json notes = Json::EmptyArray();
  for (const std::string& note : result.notes) {
    notes.Append(note);
  }
  return FormatValue(Json::Of({{"steps", std::move(steps)},
                               {"notes", std::move(notes)},
                               {"unchanged", static_cast<std::int64_t>(result.unchanged)}}),
                     format);
}

}  // namespace

std::string FormatDiff(const DiffResult& result, OutputFormat format, const Style& style) {
  if (format == OutputFormat::kJson || format == OutputFormat::kYaml) {
    return AsValue(result, format);
  }
  return format == OutputFormat::kMarkdown ? AsMarkdown(result) : ForPeople(result, style);
}

}  // namespace midwatch::cli
