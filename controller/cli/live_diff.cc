#include "controller/cli/live_diff.h"

#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "controller/api/git_source.h"
#include "controller/api/names.h"
#include "controller/base/text.h"
#include "controller/cli/declared_objects.h"
#include "controller/cli/manifest_files.h"
#include "controller/cli/missing_object.h"
#include "controller/manifest/diff.h"
#include "controller/manifest/ordering.h"
#include "controller/manifest/sync_plan.h"
#include "controller/reconcilers/gitsource/gitsource_reconciler.h"

namespace midwatch::cli {
namespace {

std::string PlaceOf(const std::string& path, const manifest::Position& at) {
  return at.line == 0 ? path : path + ":" + std::to_string(at.line);
}

/// What the apply would make of the object; if it is refused because somebody else manages fields
/// of it, what forcing it would make.
Result<Object> TryApply(const DeclaredObject& object, const std::string& place, ApiSession& session,
                        DiffResult& result) {
  PatchRequest patch = ApplyOf(object, true);
  auto after = session.Patch(patch);
  if (!after && after.error().code == ErrorCode::kConflict) {
    result.notes.push_back("apply refuses this: " + HarmlessLine(place) + ": " +
                           HarmlessLine(after.error().message));
    patch.force = true;
    after = session.Patch(patch);
  }
  return after;
}

/// Asks the server what each apply would do.
DiffOutcome CompareByDryRun(const DiffOptions& options, Context& context, ApiSession& session) {
  auto catalogue = ResourceCatalogue::Load(session);
  if (!catalogue) {
    return tl::unexpected(context.Refuse(catalogue.error()));
  }
  const auto declared = ReadDeclared(context, *catalogue, session.namespace_name(), {options.path},
                                     ManifestCheck::kAll);
  if (!declared) {
    return tl::unexpected(kExitFailed);
  }
  DiffResult result;
  std::set<std::string> new_namespaces;
  for (const DeclaredObject& object : *declared) {
    const ResourceType& type = object.entry->type;
    DiffStep step{.object = manifest::ShowObject(type, object.namespace_name, object.name),
                  .place = PlaceOf(object.path, object.at)};
    const auto before = session.Get(type, object.namespace_name, object.name);
    if (!before && before.error().code != ErrorCode::kNotFound) {
      return tl::unexpected(context.Refuse(before.error(), step.place));
    }
    if (!before && new_namespaces.count(object.namespace_name) > 0) {
      step.after =
          object.body;  // The server refuses a dry run in a namespace that is not there yet.
      result.steps.push_back(std::move(step));
      continue;
    }
    const auto after = TryApply(object, step.place, session, result);
    if (!after) {
      return tl::unexpected(context.Refuse(after.error(), step.place));
    }
    if (!before && type.kind == "Namespace" && type.group.empty()) {
      new_namespaces.insert(object.name);
    }
    step.verb = before ? DiffVerb::kUpdate : DiffVerb::kCreate;
    step.before = before ? before->Body() : Json();
    step.after = after->Body();
    if (before && manifest::DiffFields(step.before, step.after).empty()) {
      ++result.unchanged;
    } else {
      result.steps.push_back(std::move(step));
    }
  }
  return result;
}

/// Where a GitSource of that namespace may write.
manifest::ManifestScope ScopeOf(const std::string& space) {
  return {.default_namespace = space, .everywhere = space == ServeOptions().installation_namespace};
}

/// Everything live of the kinds that manifests may declare.
Result<std::map<ObjectKey, Object>> ReadLive(ApiSession& session) {
  std::map<ObjectKey, Object> live;
  for (const manifest::ManifestKind& kind : KnownSchemas().kinds()) {
    const auto objects = session.List({.type = kind.type,
                                       .namespace_name = {},
                                       .label_selector = {},
                                       .field_selector = {},
                                       .continue_token = {},
                                       .resource_version = {}});
    if (!objects && objects.error().code == ErrorCode::kNotFound) {
      continue;  // The server does not have this kind.
    }
    if (!objects) {
      return Fail(objects.error());
    }
    for (const Object& object : *objects) {
      live.emplace(KeyOf(kind.type, object), object);
    }
  }
  return live;
}

/// `local`: files of the repository as they are named here.
DiffStep ToStep(const manifest::SyncStep& step, const std::map<std::string, std::string>& local) {
  const auto named = local.find(step.path);
  const DiffVerb verb = step.verb == manifest::SyncVerb::kCreate   ? DiffVerb::kCreate
                        : step.verb == manifest::SyncVerb::kUpdate ? DiffVerb::kUpdate
                                                                   : DiffVerb::kPrune;
  return {.verb = verb,
          .object = manifest::ShowObject(step.type, step.key.namespace_name, step.key.name) +
                    (step.adopts ? " (adopts it)" : ""),
          .place = PlaceOf(named == local.end() ? step.path : named->second, step.at),
          .before = step.before,
          .after = step.after,
          .loses_data = verb == DiffVerb::kPrune && manifest::DeletionLosesData(step.type)};
}

/// What a source would read, from a checkout of its repository or of the directory that it syncs.
struct Checkout {
  std::vector<ManifestFile> files;           ///< Under their paths in the repository.
  std::map<std::string, std::string> local;  ///< By that path: as it was named here.
};

/// What the source reads of its repository, without slashes around it; empty: all.
std::string PathOf(const api::GitSource& source) {
  return std::filesystem::path("/" + source.spec.path + "/.")
      .lexically_normal()
      .parent_path()
      .relative_path()
      .string();
}

/// The directory that the source syncs, from how it or the checkout was spelled; nothing if that
/// cannot be all of it. What is missing there would be told as pruned.
std::optional<std::string> FindSynced(const std::string& named, const std::string& inside,
                                      Context& context) {
  LocalFiles& files = context.world.files;
  const std::string below =
      named == "." ? inside : named + (named.ends_with('/') ? "" : "/") + inside;
  const std::string directory = !inside.empty() && files.IsDirectory(below) ? below : named;
  if (!files.IsDirectory(directory)) {
    context.Refuse(kExitFailed, directory +
                                    ": expected a directory: what the source would prune "
                                    "can be told from all of its files alone");
    return std::nullopt;
  }
  const auto place = files.PathInWorkTree(directory);
  if (place && *place != inside) {
    const std::string whole = inside.empty() ? "all of the repository" : Quote(inside);
    context.Refuse(kExitFailed,
                   named + ": this is " +
                       (place->empty() ? "the root" : "the directory " + Quote(*place)) +
                       " of a checkout, and the source reads " + whole +
                       ": what lies elsewhere would be told as pruned",
                   "name the root of a checkout of the source's repository" +
                       (inside.empty() ? "" : ", or " + inside + " in it"));
    return std::nullopt;
  }
  return directory;
}

Result<Checkout> ReadCheckout(Context& context, const std::string& directory,
                              const std::string& inside) {
  Checkout out;
  MIDWATCH_ASSIGN(out.files, ReadManifestFiles(context, {directory}));
  for (ManifestFile& file : out.files) {
    const std::string path = inside + (inside.empty() ? "" : "/") + file.relative;
    out.local.emplace(path, std::exchange(file.path, path));
  }
  return out;
}

/// What would have to be otherwise for it to be pruned.
std::string_view WhyKept(manifest::KeptReason reason) {
  switch (reason) {
    case manifest::KeptReason::kPruneOff:
      return "spec.prune is off";
    case manifest::KeptReason::kEmptySet:
      return "nothing at all is declared, and spec.allowEmpty is off";
    case manifest::KeptReason::kIncomplete:
      return "something is declared that cannot be read, and may be this";
    case manifest::KeptReason::kInvalid:
      return "it is declared, with errors";
    case manifest::KeptReason::kNamespace:
      return "spec.pruneNamespaces is off";
    case manifest::KeptReason::kNamespaceInUse:
      return "declared objects live in it";
    case manifest::KeptReason::kAdopted:
      return "it was adopted, and spec.pruneAdopted is off";
  }
  return {};
}

std::string ShowKey(const ObjectKey& key) {
  for (const manifest::ManifestKind& kind : KnownSchemas().kinds()) {
    if (kind.type.Resource() == key.resource) {
      return manifest::ShowObject(kind.type, key.namespace_name, key.name);
    }
  }
  return key.ToString();
}

DiffResult ResultOf(const manifest::SyncPlan& plan, const Checkout& checkout) {
  DiffResult result;
  result.unchanged = plan.unchanged;
  for (const manifest::SyncStep& step : plan.steps) {
    result.steps.push_back(ToStep(step, checkout.local));
  }
  for (const manifest::KeptObject& kept : plan.kept) {
    result.notes.push_back("kept " + ShowKey(kept.key) + ": " + std::string(WhyKept(kept.reason)));
  }
  return result;
}

/// Makes the plan that the GitSource's sync would make.
DiffOutcome CompareBySource(const DiffOptions& options, Context& context, ApiSession& session) {
  const auto source = session.GetAs<api::GitSource>(session.namespace_name(), options.source);
  if (!source) {
    return tl::unexpected(
        RefuseObject(source.error(), api::GitSource::Type(), options.source, context, session));
  }
  const std::string inside = PathOf(*source);
  const auto directory = FindSynced(options.path, inside, context);
  if (!directory) {
    return tl::unexpected(kExitFailed);
  }
  const auto checkout = ReadCheckout(context, *directory, inside);
  const auto live = checkout ? ReadLive(session) : tl::unexpected(checkout.error());
  if (!live) {
    return tl::unexpected(context.Refuse(live.error()));
  }
  const manifest::SyncSource sync = gitsource::SyncSourceOf(*source);
  const manifest::DeclaredSet declared =
      CheckFiles(checkout->files, ScopeOf(session.namespace_name()));
  manifest::SyncInput input{.source = sync,
                            .schemas = KnownSchemas(),
                            .declared = declared,
                            .find = [&](const ObjectKey& key) -> std::optional<Object> {
                              const auto found = live->find(key);
                              return found == live->end() ? std::nullopt
                                                          : std::optional(found->second);
                            },
                            .inventory = {},
                            .now = context.Time().wall};
  const std::string label = manifest::SourceLabel(sync.identity);
  for (const auto& [key, object] : *live) {
    const auto mark = object.meta().labels.find(sync.marks.source_label);
    if (mark != object.meta().labels.end() && mark->second == label) {
      input.inventory.emplace_back(key, object);
    }
  }
  const manifest::SyncPlan plan = manifest::PlanSync(input);
  for (manifest::ManifestError error : plan.errors) {
    const auto local = checkout->local.find(error.path);
    error.path = local == checkout->local.end() ? error.path : local->second;
    context.Note(ShowError(error, context.err));
  }
  if (plan.refused) {
    return tl::unexpected(context.Refuse(kExitFailed,
                                         Count(plan.errors.size(), "error") + " in the manifests",
                                         "the GitSource would write nothing of this"));
  }
  return ResultOf(plan, *checkout);
}

}  // namespace

DiffOutcome CompareWithServer(const DiffOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client);
  if (!session) {
    return tl::unexpected(context.Refuse(session.error()));
  }
  return options.source.empty() ? CompareByDryRun(options, context, *session)
                                : CompareBySource(options, context, *session);
}

}  // namespace midwatch::cli
