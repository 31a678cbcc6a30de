#include "controller/api/conditions.h"
#include "controller/api/git_source.h"
#include "controller/api/names.h"
#include "controller/base/text.h"
#include "controller/cli/commands.h"
#include "controller/cli/git_source_text.h"
#include "controller/cli/live_list.h"
#include "controller/cli/missing_object.h"

namespace midwatch::cli {
namespace {

bool IsTrue(const api::Condition* condition) {
  return condition != nullptr && condition->status == api::ConditionStatus::kTrue;
}

/// The controller is at it. After an error that another try may mend it says Reconciling too.
bool IsAtWork(const api::GitSource& source) {
  const api::Condition* reconciling = FindCondition(source, "Reconciling");
  return IsTrue(reconciling) &&
         (reconciling->reason == "Fetching" || reconciling->reason == "Applying");
}

std::string ShowInventory(const api::SyncCounts& counts) {
  const std::int64_t declared = counts.created + counts.updated + counts.unchanged + counts.failed;
  const bool kept = counts.failed == 0 && counts.total > declared;
  return Count(static_cast<std::size_t>(counts.total), "object") + " in the inventory" +
         (kept ? ", " + std::to_string(counts.total - declared) +
                     " of them kept though no longer declared"
               : "");
}

std::string ShowCounts(const api::SyncCounts& counts) {
  const auto part = [](std::int64_t number, std::string_view what) {
    return std::string(what) + " " + std::to_string(number);
  };
  return part(counts.created, "created") + ", " + part(counts.updated, "updated") + ", " +
         part(counts.unchanged, "unchanged") + ", " + part(counts.pruned, "pruned") +
         (counts.failed > 0 ? ", " + part(counts.failed, "failed") : "");
}

/// The counts are those of the revision's writes, however often it was synced since.
std::string ShowWrites(const api::GitSource& source, const api::GitSource& before, WallTime now) {
  const auto revision = [](const api::GitSource& of) {
    return of.status.applied ? of.status.applied->revision : std::string();
  };
  const api::SyncCounts& counts = *source.status.counts;
  const bool was_there = revision(source) == revision(before);
  const bool wrote = counts.created + counts.updated + counts.pruned > 0;
  if (!was_there || !(source.status.counts == before.status.counts)) {
    return wrote ? ShowCounts(counts) : "nothing to change";
  }
  const auto& at = source.status.applied->at;
  return "it was in force already" +
         (at && now - *at >= std::chrono::seconds(1) ? ", for " + FormatAge(now - *at) : "") +
         (wrote ? "; its last writes: " + ShowCounts(counts) : "");
}

/// Says what came of the sync. The exit code.
int PrintResult(const api::GitSource& source, const api::GitSource& before, Context& context) {
  const api::GitSourceStatus& status = source.status;
  const std::string name = source.metadata.namespace_name + "/" + source.metadata.name;
  const api::Condition* ready = FindCondition(source, "Ready");
  const std::string in_force = status.applied ? ShortRevision(status.applied->revision) : "none";
  const bool good = IsTrue(ready);
  const Refused refused = WhatIsRefused(source);
  const bool partly = refused == Refused::kPart;
  const std::string attempted =
      status.attempted ? ShortRevision(status.attempted->revision) : in_force;
  if (good) {
    context.Print(context.out.In(Colour::kGreen, "✓") + " " + name + ": revision " +
                  context.out.Bold(in_force) + " is in force\n");
  } else {
    std::string why = refused != Refused::kNothing
                          ? "revision " + context.out.Bold(attempted) + " has " +
                                Count(static_cast<std::size_t>(status.error_count), "error")
                      : ready != nullptr ? HarmlessLine(ready->message)
                                         : "it is not ready";
    why += partly           ? "; the rest of it is in force"
           : status.applied ? "; " + in_force + " stays in force"
                            : "; no revision is in force yet";
    context.Print(context.out.In(Colour::kRed, "✗") + " " + name + ": " + why + "\n");
  }
  const bool written = good || partly;
  if (status.counts && written) {
    context.Print(
        "  " +
        (partly ? ShowCounts(*status.counts) : ShowWrites(source, before, context.Time().wall)) +
        "; " + ShowInventory(*status.counts) + "\n");
  }
  if (refused != Refused::kNothing) {
    context.Print(ShowSyncErrors(status, status.errors.size(), context.out));
  }
  return good ? kExitDone : kExitNo;
}

Result<void> Ask(const SyncOptions& options, ApiSession& session, const std::string& request) {
  Json annotations = Json::EmptyObject();
  annotations.Set(api::annotations::kSyncRequestedAt, request);
  MIDWATCH_TRY(session.Patch(
      {.type = api::GitSource::Type(),
       .namespace_name = session.namespace_name(),
       .name = options.target.name,
       .subresource = {},
       .patch_type = PatchType::kMerge,
       .patch = Json::Of({{"metadata", Json::Of({{"annotations", std::move(annotations)}})}}),
       .field_manager = std::string(api::field_managers::kCli)}));
  return {};
}

}  // namespace

int Run(const SyncOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client, options.target.namespace_name);
  if (!session) {
    return context.Refuse(session.error());
  }
  const std::string& name = options.target.name;
  const auto before = session->GetAs<api::GitSource>(session->namespace_name(), name);
  if (!before) {
    return RefuseObject(before.error(), api::GitSource::Type(), name, context, *session);
  }
  if (before->spec.suspend) {
    return context.Refuse(kExitFailed, "gitsource/" + name + " is suspended",
                          "set spec.suspend to false first");
  }
  const std::string request = FormatMicroTime(context.Time().wall);
  if (const auto asked = Ask(options, *session, request); !asked) {
    return context.Refuse(asked.error());
  }
  if (options.no_wait) {
    context.Print("gitsource/" + name + " is asked to sync\n");
    return kExitDone;
  }
  LiveList live(context, *session,
                {.type = api::GitSource::Type(),
                 .namespace_name = session->namespace_name(),
                 .label_selector = {},
                 .field_selector = "metadata.name=" + name,
                 .continue_token = {},
                 .resource_version = {}});
  std::optional<api::GitSource> source;
  const auto finished = [&] {
    if (!live.Refresh() || live.objects().empty()) {
      return false;
    }
    const auto seen = api::FromObject<api::GitSource>(live.objects().begin()->second);
    source = seen ? std::optional(*seen) : std::nullopt;
    return source && source->status.last_handled_sync_request == request && !IsAtWork(*source);
  };
  if (!context.WaitFor("syncing " + session->namespace_name() + "/" + name,
                       context.Time().mono + options.timeout, finished)) {
    return context.Refuse(kExitUnreachable,
                          "no result of the sync in " + FormatDuration(options.timeout),
                          "it goes on; midwatch describe gitsource " + name +
                              session->namespace_option() + " shows how far it is");
  }
  return PrintResult(*source, *before, context);
}

}  // namespace midwatch::cli
