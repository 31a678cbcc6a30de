#include "controller/api/core.h"
#include "controller/api/git_source.h"
#include "controller/base/text.h"
#include "controller/cli/commands.h"
#include "controller/cli/description.h"
#include "controller/cli/git_source_text.h"
#include "controller/cli/missing_object.h"
#include "controller/cli/resource_catalogue.h"

namespace midwatch::cli {
namespace {

/// What cannot be had is said, and sets `code`.
std::vector<Object> Find(const Selected& selected, Context& context, ApiSession& session,
                         int& code) {
  const ResourceType& type = selected.entry->type;
  const std::string& space = selected.namespace_name;
  if (selected.names.empty()) {
    auto all = session.List({.type = type,
                             .namespace_name = space,
                             .label_selector = {},
                             .field_selector = {},
                             .continue_token = {},
                             .resource_version = {}});
    code = all ? code : context.Refuse(all.error());
    return all ? *std::move(all) : std::vector<Object>();
  }
  std::vector<Object> out;
  for (const std::string& name : selected.names) {
    if (auto object = session.Get(type, space, name)) {
      out.push_back(*std::move(object));
    } else {
      code = RefuseObject(object.error(), type, name, context, session);
    }
  }
  return out;
}

/// Events are an extra: if they cannot be read, the rest is shown.
std::vector<Json> EventsOf(const Object& object, ApiSession& session) {
  const std::string space =
      object.namespace_name().empty() ? std::string("default") : object.namespace_name();
  const auto events = session.List({.type = api::Event::Type(),
                                    .namespace_name = space,
                                    .label_selector = {},
                                    .field_selector = {},
                                    .continue_token = {},
                                    .resource_version = {}});
  std::vector<Json> out;
  if (!events) {
    return out;
  }
  for (const Object& event : *events) {
    Json body = event.Body();
    const Json& about = body.At("involvedObject");
    const bool same =
        about.At("uid").AsString() == object.uid() ||
        (about.At("uid").AsString().empty() && about.At("name").AsString() == object.name() &&
         about.At("kind").AsString() == object.kind());
    if (same) {
      out.push_back(std::move(body));
    }
  }
  return out;
}

/// What the fields say together, of the kinds that need it.
std::string InShort(const Object& object, const DescriptionStyle& how) {
  const auto source = api::FromObject<api::GitSource>(object);
  if (!source) {
    return {};
  }
  std::string out = how.style.Bold("In short:") + "\n";
  const std::string told = TellSource(*source, how.style, how.now);
  for (const std::string_view line : Split(Trim(told), '\n')) {
    out += "  " + std::string(line) + "\n";
  }
  return out;
}

}  // namespace

int Run(const DescribeOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client);
  if (!session) {
    return context.Refuse(session.error());
  }
  auto catalogue = ResourceCatalogue::Load(*session);
  if (!catalogue) {
    return context.Refuse(catalogue.error());
  }
  auto selected = SelectObjects(*catalogue, options.what, *session);
  if (!selected) {
    return context.Refuse(kExitFailed, selected.error().message, kHintForTypes);
  }
  const DescriptionStyle how{
      .style = context.out, .width = context.Width(), .now = context.Time().wall};
  bool first = true;
  int code = kExitDone;
  for (const Selected& one : *selected) {
    for (const Object& object : Find(one, context, *session, code)) {
      context.Print((first ? "" : "\n") + DescribeObject(object.Body(), how) +
                    InShort(object, how) + DescribeEvents(EventsOf(object, *session), how));
      first = false;
    }
  }
  if (first && code == kExitDone) {
    context.Note("Nothing found in namespace " + session->namespace_name() + ".");
  }
  return code;
}

}  // namespace midwatch::cli
