#include "controller/cli/report_text.h"

#include <algorithm>
#include <charconv>

#include "controller/api/codec.h"
#include "controller/base/text.h"

namespace midwatch::cli {
namespace {

constexpr std::size_t kLabelWidth = 14;

std::string_view TitleOf(api::MissionType type) {
  switch (type) {
    case api::MissionType::kAutoDiagnose:
      return "Diagnosis";
    case api::MissionType::kApprovalRecommend:
      return "Recommendation";
    case api::MissionType::kSummarizeJob:
      return "Summary";
  }
  return "Report";
}

std::string Title(const api::Report& report) {
  const api::ReportSpec& spec = report.spec;
  const std::string job =
      spec.module_job_ref.job_id.empty() ? spec.module_job_ref.name : spec.module_job_ref.job_id;
  return std::string(TitleOf(spec.mission_type)) + " of " +
         HarmlessLine(report.metadata.namespace_name + "/" + spec.module_ref.name + ", job " + job);
}

Colour ColourOf(api::Severity severity) {
  return severity == api::Severity::kLow      ? Colour::kNone
         : severity == api::Severity::kMedium ? Colour::kYellow
                                              : Colour::kRed;
}

Colour ColourOf(api::RecommendedAnswer answer) {
  return answer == api::RecommendedAnswer::kApprove  ? Colour::kGreen
         : answer == api::RecommendedAnswer::kReject ? Colour::kRed
                                                     : Colour::kYellow;
}

std::string CategoryText(const api::Diagnosis& diagnosis) {
  const bool unknown = diagnosis.category == api::FailureCategory::kUnknown;
  return std::string(api::ToString(diagnosis.category)) +
         (diagnosis.transient ? ", transient: the same job may succeed if it is run again"
          : unknown           ? "; whether it is transient is not known"
                              : ", not transient: running it again will not help");
}

std::string AnswerText(api::RecommendedAnswer answer) {
  return answer == api::RecommendedAnswer::kNeedsHuman ? "a human must decide"
                                                       : std::string(api::ToString(answer));
}

/// The first number of `12` or `12-14`; 0 if there is none.
std::size_t FirstLine(const std::string& lines) {
  std::size_t number = 0;
  std::from_chars(lines.data(), lines.data() + lines.size(), number);
  return number;
}

class TextWriter {
 public:
  TextWriter(const Style& style, std::size_t width) : style_(style), width_(width) {}

  void Heading(const std::string& text) { out_ += style_.Bold(text) + "\n\n"; }

  /// `label:` and behind it the text, wrapped, in the colour.
  void Field(std::string_view label, const std::string& text, Colour colour = Colour::kNone) {
    const std::string head = "  " + PadRight(style_.Dim(std::string(label) + ":"), kLabelWidth);
    const std::string rest(kLabelWidth + 2, ' ');
    std::string before = head;
    for (const std::string& line : WrapText(Harmless(text), width_ - rest.size())) {
      out_ += before + style_.In(colour, line) + "\n";
      before = rest;
    }
  }

  void Evidence(const std::vector<api::Evidence>& list) {
    if (list.empty()) {
      return;
    }
    out_ += "  " + style_.Dim("evidence:") + "\n";
    for (const api::Evidence& one : list) {
      const bool range = one.lines.find('-') != std::string::npos;
      const std::string lines =
          one.lines.empty() ? "" : (range ? ", lines " : ", line ") + one.lines;
      out_ += "    " + style_.In(Colour::kBlue, HarmlessLine(one.artifact + lines)) + "\n";
      Quote(one.quote, FirstLine(one.lines));
    }
  }

  void Numbered(std::string_view label, const std::vector<std::string>& items) {
    if (items.empty()) {
      return;
    }
    out_ += "  " + style_.Dim(std::string(label) + ":") + "\n";
    for (std::size_t i = 0; i < items.size(); ++i) {
      Item(std::to_string(i + 1) + ". ", Harmless(items[i]));
    }
  }

  void Label(std::string_view label) { out_ += "  " + style_.Dim(std::string(label) + ":") + "\n"; }

  /// An item below a label, the following lines indented as far as the mark reaches.
  void Item(const std::string& mark, const std::string& text) {
    const std::string rest(4 + DisplayWidth(mark), ' ');
    out_ += "    " + mark + Indented(text, rest, width_).substr(rest.size());
  }

  std::string Take() { return std::move(out_); }
  const Style& style() const { return style_; }

 private:
  void Quote(const std::string& quote, std::size_t line) {
    for (const std::string_view text : Split(quote, '\n')) {
      std::string number = line > 0 ? std::to_string(line++) : "";
      number.insert(0, number.size() < 6 ? 6 - number.size() : 0, ' ');
      out_ += "    " + style_.Dim(number + " │ ") + Harmless(text) + "\n";
    }
  }

  const Style& style_;
  const std::size_t width_;
  std::string out_;
};

void Write(const api::Diagnosis& diagnosis, TextWriter& to) {
  to.Field("root cause", diagnosis.root_cause, Colour::kRed);
  to.Field("category", CategoryText(diagnosis));
  to.Field("confidence", std::string(api::ToString(diagnosis.confidence)));
  to.Evidence(diagnosis.evidence);
  to.Numbered("next steps", diagnosis.next_steps);
}

void Write(const api::Recommendation& recommendation, TextWriter& to) {
  to.Field("recommend", AnswerText(recommendation.recommend), ColourOf(recommendation.recommend));
  to.Field("reason", recommendation.reason);
  if (!recommendation.risks.empty()) {
    to.Label("risks");
    for (const api::Risk& risk : recommendation.risks) {
      to.Item(to.style().In(ColourOf(risk.severity), api::ToString(risk.severity)) + ": ",
              Harmless(risk.description));
    }
  }
  to.Evidence(recommendation.evidence);
}

void Write(const api::Summary& summary, TextWriter& to) {
  to.Field("summary", summary.summary);
  if (!summary.changes.empty()) {
    to.Label("changes");
    for (const api::Change& change : summary.changes) {
      to.Item(PadRight(api::ToString(change.action), 8),
              Harmless(change.target) + (change.note.empty() ? "" : ": " + Harmless(change.note)));
    }
  }
  to.Evidence(summary.evidence);
}

// Markdown. Text from a sidecar is data: what could become markup is escaped, quotes are fenced.

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : Harmless(text)) {
    constexpr std::string_view kMarkup = "\\`*_[]<>#|@!~";
    out.append(kMarkup.find(c) == std::string_view::npos ? "" : "\\");
    out.push_back(c == '\n' ? ' ' : c);
  }
  return out;
}

std::string Fenced(const std::string& text) {
  std::string fence = "```";
  while (text.find(fence) != std::string::npos) {
    fence += "`";
  }
  return fence + "text\n" + Harmless(text) + "\n" + fence + "\n";
}

std::string MarkdownEvidence(const std::vector<api::Evidence>& list) {
  std::string out = list.empty() ? "" : "\n<details><summary>Evidence</summary>\n\n";
  for (const api::Evidence& one : list) {
    const std::string place = one.artifact + (one.lines.empty() ? "" : ":" + one.lines);
    out += "`" + HarmlessLine(place) + "`\n\n" + Fenced(one.quote) + "\n";
  }
  return out + (list.empty() ? "" : "</details>\n");
}

std::string Markdown(const api::Diagnosis& diagnosis) {
  std::string out = "**Root cause:** " + Escaped(diagnosis.root_cause) + "\n\n**Category:** " +
                    CategoryText(diagnosis) + "  \n**Confidence:** " +
                    std::string(api::ToString(diagnosis.confidence)) + "\n";
  if (!diagnosis.next_steps.empty()) {
    out += "\n**Next steps**\n\n";
    for (std::size_t i = 0; i < diagnosis.next_steps.size(); ++i) {
      out += std::to_string(i + 1) + ". " + Escaped(diagnosis.next_steps[i]) + "\n";
    }
  }
  return out + MarkdownEvidence(diagnosis.evidence);
}

std::string Markdown(const api::Recommendation& recommendation) {
  std::string out = "**Recommendation: " + AnswerText(recommendation.recommend) + "**\n\n" +
                    Escaped(recommendation.reason) + "\n";
  if (!recommendation.risks.empty()) {
    out += "\n| Risk | |\n| --- | --- |\n";
    for (const api::Risk& risk : recommendation.risks) {
      out += "| " + std::string(api::ToString(risk.severity)) + " | " + Escaped(risk.description) +
             " |\n";
    }
  }
  return out + MarkdownEvidence(recommendation.evidence);
}

std::string Markdown(const api::Summary& summary) {
  std::string out = Escaped(summary.summary) + "\n";
  if (!summary.changes.empty()) {
    out += "\n| Action | Target | |\n| --- | --- | --- |\n";
    for (const api::Change& change : summary.changes) {
      out += "| " + std::string(api::ToString(change.action)) + " | " + Escaped(change.target) +
             " | " + Escaped(change.note) + " |\n";
    }
  }
  return out + MarkdownEvidence(summary.evidence);
}

/// The sidecar, and how it introduced itself.
std::string Producer(const api::Producer& by) {
  if (by.producer.starts_with(by.sidecar)) {
    return by.producer;
  }
  return by.sidecar + " (" + (by.producer.empty() ? "nothing is known of it" : by.producer) + ")";
}

}  // namespace

std::string ProducerText(const api::ReportSpec& spec) {
  const std::string tokens =
      spec.usage ? std::to_string(spec.usage->input_tokens + spec.usage->output_tokens)
                 : "not reported";
  return HarmlessLine(Producer(spec.produced_by) + ", tokens " + tokens);
}

std::string ReportText(const api::Report& report, const Style& style, std::size_t width) {
  const api::ReportSpec& spec = report.spec;
  TextWriter to(style, width);
  to.Heading(Title(report));
  if (spec.diagnosis) {
    Write(*spec.diagnosis, to);
  } else if (spec.recommendation) {
    Write(*spec.recommendation, to);
  } else if (spec.summary) {
    Write(*spec.summary, to);
  }
  return to.Take() + "\n  " + style.Dim("produced by: " + ProducerText(spec)) + "\n";
}

std::string ReportMarkdown(const api::Report& report) {
  const api::ReportSpec& spec = report.spec;
  std::string out = "### " + Escaped(Title(report)) + "\n\n";
  if (spec.diagnosis) {
    out += Markdown(*spec.diagnosis);
  } else if (spec.recommendation) {
    out += Markdown(*spec.recommendation);
  } else if (spec.summary) {
    out += Markdown(*spec.summary);
  }
  return out + "\n<sub>produced by: " + Escaped(ProducerText(spec)) + "</sub>\n";
}

}  // namespace midwatch::cli
