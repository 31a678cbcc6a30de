#include <algorithm>
#include <set>
#include <utility>

#include "controller/api/names.h"
#include "controller/base/text.h"
#include "controller/cli/commands.h"
#include "controller/cli/declared_objects.h"
#include "controller/cli/declaring_source.h"
#include "controller/cli/object_output.h"

namespace midwatch::cli {
namespace {

/// What a manifest can say of an object: neither its status nor when and by whom it was written.
Json ContentOf(const Object& object) {
  Json body = object.Body();
  body.Erase("status");
  for (const std::string_view field : {"generation", "managedFields", "resourceVersion"}) {
    body["metadata"].Erase(field);
  }
  return body;
}

/// What the server made of it, in a word. A controller may write its status in between.
std::string_view Outcome(const Result<Object>& before, const Object& after) {
  if (!before) {
    return "created";
  }
  return ContentOf(*before) == ContentOf(after) ? "unchanged" : "configured";
}

Colour ColourOf(std::string_view outcome) {
  return outcome == "created"      ? Colour::kGreen
         : outcome == "configured" ? Colour::kYellow
                                   : Colour::kNone;
}

class Applier {
 public:
  Applier(const ApplyOptions& options, Context& context, ApiSession& session)
      : options_(options), context_(context), session_(session) {}

  int Run(const std::vector<DeclaredObject>& declared) {
    int code = kExitDone;
    for (const DeclaredObject& object : declared) {
      const auto applied = Apply(object);
      if (!applied) {
        code = Explain(applied.error(), object);
      }
    }
    for (const std::string& hint : hints_) {
      context_.Hint(hint);
    }
    if (!shown_.empty()) {
      const bool single = declared.size() == 1;
      context_.Print(FormatObjects(std::move(shown_), single, options_.output));
    }
    return code;
  }

 private:
  Result<void> Apply(const DeclaredObject& object) {
    const auto before = session_.Get(object.entry->type, object.namespace_name, object.name);
    if (!before && before.error().code != ErrorCode::kNotFound) {
      return Fail(before.error());
    }
    PatchRequest patch = ApplyOf(object, options_.dry_run);
    auto after = session_.Patch(patch);
    if (!after && after.error().code == ErrorCode::kConflict) {
      const std::string declared = before ? Instead(after.error(), *before) : std::string();
      if (options_.force_conflicts && declared.empty()) {
        patch.force = true;
        after = session_.Patch(patch);
      } else {
        hints_.insert(declared.empty() ? "--force-conflicts takes the fields over" : declared);
      }
    }
    if (!after) {
      return Fail(after.error());
    }
    Say(object, Outcome(before, *after), *after);
    return {};
  }

  /// What to do instead, if a GitSource that is not suspended would undo what is forced.
  std::string Instead(const Error& conflict, const Object& object) {
    const bool of_git =
        conflict.message.find(Quote(api::field_managers::kGit)) != std::string::npos;
    const std::string declared = of_git ? WhoDeclares(object, session_) : std::string();
    return declared.empty() ? "" : declared + ": change it there, or suspend the source";
  }

  void Say(const DeclaredObject& object, std::string_view outcome, const Object& after) {
    const std::string name = object.entry->KindName() + "/" + object.name;
    if (options_.output == OutputFormat::kName) {
      context_.Print(name + "\n");
    } else if (options_.output != OutputFormat::kText) {
      shown_.push_back(after.Body());
    } else {
      context_.Print(name + " " + context_.out.In(ColourOf(outcome), outcome) +
                     (options_.dry_run ? " (dry run)" : "") + "\n");
    }
  }

  int Explain(const Error& error, const DeclaredObject& object) {
    const std::string where =
        object.path + ":" + std::to_string(object.at.line) + ":" + std::to_string(object.at.column);
    if (error.code != ErrorCode::kConflict) {
      hints_.insert(HintFor(error));
    }
    return context_.Refuse(ExitCodeOf(error.code), where + ": " + Harmless(error.message));
  }

  const ApplyOptions& options_;
  Context& context_;
  ApiSession& session_;
  std::vector<Json> shown_;
  std::set<std::string> hints_;  // Each is given once, below the errors.
};

}  // namespace

int Run(const ApplyOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client);
  if (!session) {
    return context.Refuse(session.error());
  }
  auto catalogue = ResourceCatalogue::Load(*session);
  if (!catalogue) {
    return context.Refuse(catalogue.error());
  }
  const auto declared = ReadDeclared(context, *catalogue, session->namespace_name(), options.files,
                                     ManifestCheck::kAll);
  return declared ? Applier(options, context, *session).Run(*declared) : kExitFailed;
}

}  // namespace midwatch::cli
