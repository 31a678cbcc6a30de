#include "controller/cli/live_diff.h"

#include <map>
#include <set>
#include <utility>

#include "controller/api/git_source.h"
#include "controller/api/names.h"
#include "controller/cli/declared_objects.h"
#include "controller/cli/manifest_files.h"
#include "controller/manifest/diff.h"
#include "controller/manifest/ordering.h"
#include "controller/manifest/sync_plan.h"
#include "controller/reconcilers/gitsource/gitsource_reconciler.h"

namespace midwatch::cli {
namespace {

std::string PlaceOf(const std::string& path, const manifest::Position& at) {
  return path.empty() ? path : path + ":" + std::to_string(at.line);
}

/// Asks the server what each apply would do.
DiffOutcome CompareByDryRun(const DiffOptions& options, Context& context, ApiSession& session) {
  auto catalogue = ResourceCatalogue::Load(session);
  if (!catalogue) {
    return tl::unexpected(context.Refuse(catalogue.error()));
  }
  const auto declared = ReadDeclared(context, *catalogue, session.namespace_name(), {options.path});
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
    const auto after = session.Patch({.type = type,
                                      .namespace_name = object.namespace_name,
                                      .name = object.name,
                                      .subresource = {},
                                      .patch_type = PatchType::kApply,
                                      .patch = object.body,
                                      .field_manager = std::string(api::field_managers::kCli),
                                      .force = true,
                                      .dry_run = true});
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

DiffStep ToStep(const manifest::SyncStep& step) {
  const DiffVerb verb = step.verb == manifest::SyncVerb::kCreate   ? DiffVerb::kCreate
                        : step.verb == manifest::SyncVerb::kUpdate ? DiffVerb::kUpdate
                                                                   : DiffVerb::kPrune;
  return {.verb = verb,
          .object = manifest::ShowObject(step.type, step.key.namespace_name, step.key.name) +
                    (step.adopts ? " (adopts it)" : ""),
          .place = PlaceOf(step.path, step.at),
          .before = step.before,
          .after = step.after,
          .loses_data = verb == DiffVerb::kPrune && manifest::DeletionLosesData(step.type)};
}

/// Makes the plan that the GitSource's sync would make.
DiffOutcome CompareBySource(const DiffOptions& options, Context& context, ApiSession& session) {
  const auto source = session.GetAs<api::GitSource>(session.namespace_name(), options.source);
  const auto files = ReadManifestFiles(context, {options.path});
  const auto live = ReadLive(session);
  for (const Error* error : {source ? nullptr : &source.error(), files ? nullptr : &files.error(),
                             live ? nullptr : &live.error()}) {
    if (error != nullptr) {
      return tl::unexpected(context.Refuse(*error));
    }
  }
  const manifest::SyncSource sync = gitsource::SyncSourceOf(*source);
  const manifest::DeclaredSet declared = CheckFiles(*files, ScopeOf(session.namespace_name()));
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
  for (const manifest::ManifestError& error : plan.errors) {
    context.Note(ShowError(error, context.err));
  }
  if (plan.refused) {
    return tl::unexpected(context.Refuse(kExitFailed,
                                         Count(plan.errors.size(), "error") + " in the manifests",
                                         "the GitSource would write nothing of this"));
  }
  DiffResult result;
  result.unchanged = plan.unchanged;
  for (const manifest::SyncStep& step : plan.steps) {
    result.steps.push_back(ToStep(step));
  }
  for (const manifest::KeptObject& kept : plan.kept) {
    result.notes.push_back("kept " + kept.key.ToString() + ": " +
                           std::string(manifest::NameOf(kept.reason)));
  }
  return result;
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
