#include <algorithm>
#include <set>
#include <utility>

#include "controller/base/text.h"
#include "controller/cli/commands.h"
#include "controller/cli/declared_objects.h"
#include "controller/cli/declaring_source.h"
#include "controller/cli/git_source_text.h"
#include "controller/cli/live_list.h"
#include "controller/cli/missing_object.h"

namespace midwatch::cli {
namespace {

struct Target {
  const CatalogueEntry* entry = nullptr;
  std::string namespace_name;
  std::string name;
};

class Deleter {
 public:
  Deleter(const DeleteOptions& options, Context& context, ApiSession& session)
      : options_(options), context_(context), session_(session) {}

  int Run(const std::vector<Target>& targets) {
    int code = kExitDone;
    std::vector<std::pair<Target, std::string>> held;  // With the UID.
    for (const Target& target : targets) {
      const auto before = session_.Get(target.entry->type, target.namespace_name, target.name);
      const auto last = session_.Delete({.type = target.entry->type,
                                         .namespace_name = target.namespace_name,
                                         .name = target.name,
                                         .preconditions = {},
                                         .propagation_policy = "Background",
                                         .dry_run = options_.dry_run});
      if (!last) {
        const bool ignored = options_.ignore_not_found && last.error().code == ErrorCode::kNotFound;
        code = ignored ? code : Explain(last.error(), target);
        continue;
      }
      Say(target, (options_.dry_run ? "deleted (dry run)" : "deleted") +
                      (before ? AndWithIt(*before) : std::string()));
      if (before) {
        WarnIfMadeAgain(*before);
      }
      if (!options_.dry_run && options_.wait && last->meta().IsBeingDeleted() &&
          !last->meta().finalizers.empty()) {
        held.emplace_back(target, last->uid());
      }
    }
    for (const std::string& hint : hints_) {
      context_.Hint(hint);
    }
    const MonoTime deadline = context_.Time().mono + options_.timeout;
    for (const auto& [target, uid] : held) {
      code = WaitUntilGone(target, uid, deadline) ? code : kExitUnreachable;
    }
    return code;
  }

 private:
  int Explain(const Error& error, const Target& target) {
    const bool elsewhere =
        target.entry->type.namespaced && target.namespace_name != session_.namespace_name();
    hints_.insert(elsewhere && error.code == ErrorCode::kNotFound
                      ? ""
                      : HintForObject(error, target.entry->type, target.name, session_));
    return context_.Refuse(
        ExitCodeOf(error.code),
        Harmless(error.message) + (elsewhere ? " in namespace " + target.namespace_name : ""));
  }

  void Say(const Target& target, std::string_view what) {
    context_.Print(target.entry->KindName() + " " + Quote(target.name) + " " + std::string(what) +
                   "\n");
  }

  /// What else is deleted, or is left, with it.
  static std::string AndWithIt(const Object& object) {
    const auto source = api::FromObject<api::GitSource>(object);
    const std::string told = source ? TellDeletion(*source) : std::string();
    return told.empty() ? "" : "; " + told;
  }

  void WarnIfMadeAgain(const Object& object) {
    if (const std::string declared = WhoDeclares(object, session_); !declared.empty()) {
      context_.Warn(declared + " and makes it again");
      hints_.insert("delete it there, or suspend the source first");
    }
  }

  bool WaitUntilGone(const Target& target, const std::string& uid, MonoTime deadline) {
    LiveList live(context_, session_,
                  {.type = target.entry->type,
                   .namespace_name = target.namespace_name,
                   .label_selector = {},
                   .field_selector = "metadata.name=" + target.name,
                   .continue_token = {},
                   .resource_version = {}});
    const std::string name = target.entry->KindName() + " " + Quote(target.name);
    std::string holders;
    const bool gone = context_.WaitFor("waiting until " + name + " is gone", deadline, [&] {
      const bool seen = live.Refresh().has_value();
      const auto& objects = live.objects();
      if (!objects.empty()) {
        holders = Join(objects.begin()->second.meta().finalizers, ", ");
      }
      return seen && (objects.empty() || objects.begin()->second.uid() != uid);
    });
    if (!gone) {
      context_.Refuse(kExitUnreachable,
                      name + " still exists after " + FormatDuration(options_.timeout),
                      "it is being deleted, but is held by the finalizers " + holders);
    }
    return gone;
  }

  const DeleteOptions& options_;
  Context& context_;
  ApiSession& session_;
  std::set<std::string> hints_;  // Each is given once, below the errors.
};

Result<std::vector<Target>> Named(const DeleteOptions& options, const ResourceCatalogue& catalogue,
                                  const ApiSession& session) {
  std::vector<Target> out;
  if (options.what.empty()) {
    return out;
  }
  MIDWATCH_ASSIGN(const auto selected, SelectObjects(catalogue, options.what, session));
  for (const Selected& one : selected) {
    for (const std::string& name : one.names) {
      out.push_back({one.entry, one.namespace_name, name});
    }
  }
  return out;
}

}  // namespace

int Run(const DeleteOptions& options, Context& context) {
  if (options.what.empty() && options.files.empty()) {
    return context.Refuse(kExitUsage, "what is to be deleted is missing",
                          "see midwatch delete --help");
  }
  if (options.what.size() == 1 && options.what.front().find('/') == std::string::npos) {
    return context.Refuse(kExitUsage, "the names of what is to be deleted are missing",
                          "see midwatch delete --help");
  }
  auto session = ApiSession::Open(context, options.client);
  if (!session) {
    return context.Refuse(session.error());
  }
  auto catalogue = ResourceCatalogue::Load(*session);
  if (!catalogue) {
    return context.Refuse(catalogue.error());
  }
  auto targets = Named(options, *catalogue, *session);
  if (!targets) {
    return context.Refuse(kExitFailed, targets.error().message, kHintForTypes);
  }
  if (!options.files.empty()) {
    const auto declared = ReadDeclared(context, *catalogue, session->namespace_name(),
                                       options.files, ManifestCheck::kName);
    if (!declared) {
      return kExitFailed;
    }
    std::for_each(declared->rbegin(), declared->rend(), [&](const DeclaredObject& object) {
      targets->push_back({object.entry, object.namespace_name, object.name});
    });
  }
  return Deleter(options, context, *session).Run(*targets);
}

}  // namespace midwatch::cli
