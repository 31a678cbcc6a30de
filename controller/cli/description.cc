#include "controller/cli/description.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "controller/base/encoding.h"
#include "controller/base/text.h"
#include "controller/cli/state_word.h"
#include "controller/cli/text_table.h"

namespace midwatch::cli {
namespace {

constexpr std::size_t kIndent = 2;

/// `moduleJobRef` → `Module Job`, `jobID` → `Job ID`.
std::string Label(std::string_view name) {
  std::string text(name);
  if (text.size() > 3 && text.substr(text.size() - 3) == "Ref") {
    text.resize(text.size() - 3);
  }
  if (text == "uid") {
    return "UID";
  }
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool starts =
        i > 0 && std::isupper(c) != 0 && std::isupper(static_cast<unsigned char>(text[i - 1])) == 0;
    out.append(starts ? " " : "");
    out.push_back(static_cast<char>(i == 0 ? std::toupper(c) : c));
  }
  return out;
}

bool IsReference(const Json& value) {
  if (!value.IsObject() || value.Find("name") == nullptr) {
    return false;
  }
  constexpr std::string_view kMembers[] = {"name", "namespace", "kind", "id", "uid"};
  return std::all_of(value.Members().begin(), value.Members().end(), [&](const auto& member) {
    return member.value.IsString() &&
           std::find(std::begin(kMembers), std::end(kMembers), member.name) != std::end(kMembers);
  });
}

std::string ShowReference(const Json& ref) {
  const std::string& kind = ref.At("kind").AsString();
  const std::string& space = ref.At("namespace").AsString();
  return (kind.empty() ? "" : kind + " ") + (space.empty() ? "" : space + "/") +
         ref.At("name").AsString();
}

class Writer {
 public:
  explicit Writer(const DescriptionStyle& how) : how_(how) {}

  std::string Take() { return std::move(out_); }

  /// Members as `Label:  value` lines, values aligned. `as_named`: names are people's own.
  void Members(const Json& object, std::size_t indent, bool as_named = false) {
    const auto label = [&](const std::string& name) {
      return as_named ? Harmless(name) : Label(name);
    };
    std::size_t widest = 0;
    for (const auto& [name, value] : object.Members()) {
      widest = std::max(widest, IsInline(value) ? DisplayWidth(label(name)) : 0);
    }
    for (const auto& [name, value] : object.Members()) {
      if (name == "conditions" && value.IsArray()) {
        Conditions(value, indent);
      } else if (IsInline(value)) {
        Line(label(name), Inline(value), indent, widest);
      } else {
        Nested(label(name), value, indent, name == "labels" || name == "annotations");
      }
    }
  }

  void Line(const std::string& label, const std::string& value, std::size_t indent,
            std::size_t widest) {
    const std::string head =
        std::string(indent, ' ') + PadRight(how_.style.Dim(label + ":"), widest + 1) + "  ";
    const std::string rest(DisplayWidth(head), ' ');
    const std::string text = Indented(value, rest, how_.width);
    out_ += head + Coloured(value, text.size() > rest.size() ? text.substr(rest.size()) : "\n");
  }

  void Heading(std::string_view title, std::size_t indent = 0) {
    out_ += std::string(indent, ' ') + how_.style.Bold(std::string(title) + ":") + "\n";
  }

  void Add(const std::string& text) { out_ += text; }

 private:
  static bool IsInline(const Json& value) {
    if (value.IsObject()) {
      return value.Members().empty() || IsReference(value);
    }
    return !value.IsArray() ||
           std::none_of(value.Items().begin(), value.Items().end(), [](const Json& item) {
             return (item.IsObject() && !IsReference(item)) || item.IsArray();
           });
  }

  std::string Inline(const Json& value) const {
    if (value.IsObject()) {
      return value.Members().empty() ? "<none>" : Harmless(ShowReference(value));
    }
    if (value.IsArray()) {
      std::vector<std::string> parts;
      for (const Json& item : value.Items()) {
        parts.push_back(Inline(item));
      }
      return parts.empty() ? "<none>" : Join(parts, ", ");
    }
    if (value.IsNull()) {
      return "<none>";
    }
    if (!value.IsString()) {
      return value.Dump();
    }
    const std::string text = Harmless(value.AsString());
    constexpr std::size_t kTimeLength = 20;
    const auto time =
        text.size() >= kTimeLength && text[4] == '-' ? ParseTime(text) : Result<WallTime>(Fail({}));
    return time ? text + " (" + FormatAge(how_.now - *time) + " ago)" : text;
  }

  std::string Coloured(const std::string& value, const std::string& text) const {
    const Colour colour = ColourOfState(value);
    return colour == Colour::kNone ? text
                                   : how_.style.In(colour, text.substr(0, text.size() - 1)) + "\n";
  }

  void Nested(const std::string& label, const Json& value, std::size_t indent, bool as_named) {
    Heading(label, indent);
    if (value.IsObject()) {
      return Members(value, indent + kIndent, as_named);
    }
    for (const Json& item : value.Items()) {
      Writer inner(how_);
      if (IsInline(item)) {
        inner.out_ = inner.Inline(item) + "\n";
      } else {
        inner.Members(item, 0);
      }
      Bullet(inner.Take(), indent + kIndent);
    }
  }

  void Bullet(const std::string& text, std::size_t indent) {
    std::string mark = "- ";
    for (const std::string_view line : Split(Trim(text), '\n')) {
      out_ += std::string(indent, ' ') + mark + std::string(line) + "\n";
      mark = "  ";
    }
  }

  void Conditions(const Json& list, std::size_t indent) {
    Heading("Conditions", indent);
    TextTable table({"TYPE", "STATUS", "SINCE", "REASON", "MESSAGE"});
    for (const Json& condition : list.Items()) {
      const auto since = ParseTime(condition.At("lastTransitionTime").AsString());
      const std::string& status = condition.At("status").AsString();
      table.AddRow({{Harmless(condition.At("type").AsString())},
                    {status, status == "True"    ? Colour::kGreen
                             : status == "False" ? Colour::kYellow
                                                 : Colour::kNone},
                    {since ? FormatAge(how_.now - *since) : "<none>"},
                    {Harmless(condition.At("reason").AsString())},
                    {Harmless(condition.At("message").AsString())}});
    }
    AddTable(table, indent + kIndent);
  }

  void AddTable(TextTable& table, std::size_t indent) {
    const std::string text = table.Render(how_.style);
    for (const std::string_view line :
         Split(std::string_view(text).substr(0, text.size() - 1), '\n')) {
      out_ += std::string(indent, ' ') + std::string(line) + "\n";
    }
  }

  const DescriptionStyle& how_;
  std::string out_;
};

Json MetadataForPeople(const Json& metadata) {
  Json out = Json::EmptyObject();
  for (const std::string_view name :
       {"annotations", "creationTimestamp", "deletionTimestamp", "finalizers", "generation",
        "labels", "resourceVersion", "uid"}) {
    if (const Json* value = metadata.Find(name)) {
      out.Set(name, *value);
    }
  }
  Json owners = Json::EmptyArray();
  for (const Json& owner : metadata.At("ownerReferences").Items()) {
    owners.Append(Json::Of({{"kind", owner.At("kind")}, {"name", owner.At("name")}}));
  }
  if (!owners.Items().empty()) {
    out.Set("ownedBy", std::move(owners));
  }
  return out;
}

/// How long the values of a Secret are, which are not shown.
Json SizesOf(const Json& data) {
  Json out = Json::EmptyObject();
  for (const auto& [name, value] : data.Members()) {
    const auto bytes = Base64Decode(value.AsString());
    out.Set(name, Count(bytes ? bytes->size() : value.AsString().size(), "byte"));
  }
  return out;
}

}  // namespace

std::string DescribeObject(const Json& object, const DescriptionStyle& how) {
  Writer writer(how);
  const Json& metadata = object.At("metadata");
  const std::string& space = metadata.At("namespace").AsString();
  writer.Add(how.style.Bold(object.At("kind").AsString() + " " +
                            (space.empty() ? "" : space + "/") + metadata.At("name").AsString()) +
             "\n");
  writer.Members(MetadataForPeople(metadata), kIndent);
  const bool secret =
      object.At("kind").AsString() == "Secret" && object.At("apiVersion").AsString() == "v1";
  for (const auto& [name, value] : object.Members()) {
    if (name == "apiVersion" || name == "kind" || name == "metadata" || name == "status") {
      continue;
    }
    if (secret && (name == "data" || name == "stringData")) {
      writer.Heading(Label(name));
      writer.Members(SizesOf(value), kIndent, true);
    } else if (value.IsObject() && !value.Members().empty()) {
      writer.Heading(Label(name));
      writer.Members(value, kIndent, name == "data" || name == "binaryData");
    } else if (!value.IsObject()) {
      writer.Members(Json::Of({{name, value}}), 0);
    }
  }
  if (const Json& status = object.At("status"); !status.Members().empty()) {
    writer.Heading("Status");
    writer.Members(status, kIndent);
  }
  return writer.Take();
}

std::string DescribeEvents(std::vector<Json> events, const DescriptionStyle& how) {
  if (events.empty()) {
    return how.style.Bold("Events:") + " <none>\n";
  }
  const auto when = [](const Json& event) {
    const std::string& last = event.At("lastTimestamp").AsString();
    return last.empty() ? event.At("eventTime").AsString() : last;
  };
  std::stable_sort(events.begin(), events.end(),
                   [&](const Json& a, const Json& b) { return when(a) < when(b); });
  TextTable table({"TYPE", "REASON", "AGE", "FROM", "MESSAGE"});
  for (const Json& event : events) {
    const auto time = ParseTime(when(event));
    const std::int64_t count = event.At("count").AsInt();
    const std::string& reporter = event.At("reportingComponent").AsString();
    table.AddRow(
        {{event.At("type").AsString(), ColourOfState(event.At("type").AsString())},
         {Harmless(event.At("reason").AsString())},
         {(time ? FormatAge(how.now - *time) : "<none>") +
          (count > 1 ? " (x" + std::to_string(count) + ")" : "")},
         {Harmless(reporter.empty() ? event.At("source", "component").AsString() : reporter)},
         {Harmless(event.At("message").AsString())}});
  }
  std::string out = how.style.Bold("Events:") + "\n";
  const std::string text = table.Render(how.style);
  for (const std::string_view line :
       Split(std::string_view(text).substr(0, text.size() - 1), '\n')) {
    out += "  " + std::string(line) + "\n";
  }
  return out;
}

}  // namespace midwatch::cli
