#include "controller/cli/git_source_text.h"

#include <algorithm>
#include <vector>

#include "controller/base/text.h"

namespace midwatch::cli {
namespace {

constexpr std::size_t kShortRevision = 12;
constexpr std::size_t kErrorsInShort = 3;

std::string ShowSyncError(const api::SyncError& error, const Style& style) {
  std::string place = error.path;
  if (error.line) {
    place += ":" + std::to_string(*error.line) + ":" + std::to_string(error.column.value_or(1));
  }
  std::string out = place.empty() ? "" : style.Bold(HarmlessLine(place)) + ": ";
  out += style.In(Colour::kRed, HarmlessLine(error.code)) + ": ";
  out += error.field.empty() ? "" : style.In(Colour::kCyan, HarmlessLine(error.field)) + ": ";
  return out + HarmlessLine(error.message);
}

std::string Objects(const api::GitSource& source) {
  const std::int64_t total = source.status.counts ? source.status.counts->total : 0;
  return Count(static_cast<std::size_t>(total), "object");
}

std::string TellInForce(const api::GitSource& source, const Style& style, WallTime now) {
  const auto& applied = source.status.applied;
  if (!applied) {
    return "No revision is in force yet.\n";
  }
  return "Revision " + style.Bold(ShortRevision(applied->revision)) + " is in force" +
         (applied->at ? ", for " + FormatAge(now - *applied->at) : "") + ": " + Objects(source) +
         ".\n";
}

/// What keeps a newer revision from being in force; empty if nothing does.
std::string TellFailure(const api::GitSource& source, const Style& style, WallTime now) {
  const api::GitSourceStatus& status = source.status;
  const std::string since =
      status.failing_since ? ", for " + FormatAge(now - *status.failing_since) : "";
  const api::Condition* ready = FindCondition(source, "Ready");
  const Refused refused = WhatIsRefused(source);
  if (refused != Refused::kNothing && !source.spec.suspend && status.attempted) {
    return "Revision " + style.Bold(ShortRevision(status.attempted->revision)) + " has " +
           Count(static_cast<std::size_t>(status.error_count), "error") + since +
           (refused == Refused::kPart ? "; the rest of it is in force:\n"
                                      : "; nothing of it is written:\n") +
           ShowSyncErrors(status, kErrorsInShort, style);
  }
  if (source.spec.suspend) {
    return "It is suspended: nothing is synced.\n";
  }
  const bool good = ready != nullptr && ready->status == api::ConditionStatus::kTrue;
  return good || ready == nullptr ? "" : HarmlessLine(ready->message) + since + ".\n";
}

}  // namespace

std::string ShortRevision(std::string_view revision) {
  return HarmlessLine(Utf8Prefix(revision, kShortRevision));
}

const api::Condition* FindCondition(const api::GitSource& source, std::string_view type) {
  const auto& conditions = source.status.conditions;
  const auto found = std::find_if(conditions.begin(), conditions.end(),
                                  [type](const api::Condition& c) { return c.type == type; });
  return found == conditions.end() ? nullptr : &*found;
}

Refused WhatIsRefused(const api::GitSource& source) {
  const api::Condition* ready = FindCondition(source, "Ready");
  const std::string_view reason = ready == nullptr ? "" : std::string_view(ready->reason);
  return reason == "PartlyApplied"     ? Refused::kPart
         : reason == "InvalidRevision" ? Refused::kAll
                                       : Refused::kNothing;
}

std::string ShowSyncErrors(const api::GitSourceStatus& status, std::size_t most,
                           const Style& style) {
  const std::size_t shown = std::min(most, status.errors.size());
  std::string out;
  for (std::size_t i = 0; i < shown; ++i) {
    out += "  " + ShowSyncError(status.errors[i], style) + "\n";
  }
  const std::int64_t more = status.error_count - static_cast<std::int64_t>(shown);
  return out + (more > 0 ? "  … and " + std::to_string(more) + " more\n" : "");
}

std::string TellSource(const api::GitSource& source, const Style& style, WallTime now) {
  const std::string deletion = TellDeletion(source);
  return TellInForce(source, style, now) + TellFailure(source, style, now) +
         (deletion.empty() ? "" : "When it is deleted, " + deletion + ".\n");
}

std::string TellDeletion(const api::GitSource& source) {
  if (!source.status.counts || source.status.counts->total == 0) {
    return {};
  }
  if (source.spec.deletion_policy == api::DeletionPolicy::kOrphan) {
    return "its " + Objects(source) + " stay (deletionPolicy: Orphan)";
  }
  std::vector<std::string> kept;
  if (!source.spec.prune_namespaces) {
    kept.emplace_back("namespaces");
  }
  if (!source.spec.prune_adopted) {
    kept.emplace_back("what it has adopted");
  }
  return "its " + Objects(source) + " are deleted too (deletionPolicy: Prune)" +
         (kept.empty() ? "" : ", but for " + Join(kept, " and "));
}

}  // namespace midwatch::cli
