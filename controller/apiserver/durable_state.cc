#include "controller/apiserver/durable_state.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "controller/apiserver/continue_token.h"
#include "controller/apiserver/status_errors.h"

namespace midwatch::apiserver {
namespace {

/// Replaces what has changed since by what stood there then.
void OverlayPast(const ChangeLog::Past& past, std::string_view namespace_name,
                 ObjectTable::Name from, std::vector<VersionPtr>& items) {
  std::erase_if(items, [&](const VersionPtr& item) {
    return past.contains({item->key().namespace_name, item->key().name});
  });
  for (const auto& [name, version] : past) {
    if (version != nullptr && name >= from &&
        (namespace_name.empty() || name.first == namespace_name)) {
      items.push_back(version);
    }
  }
  std::sort(items.begin(), items.end(), ObjectTable::Less());
}

Result<void> CheckVersionMatch(const ListCall& call) {
  if (call.match != VersionMatch::kUnset && call.resource_version.empty()) {
    return Fail(InvalidOptions(
        "ListOptions",
        schema::Forbidden("resourceVersionMatch",
                          "resourceVersionMatch is forbidden unless resourceVersion is provided")));
  }
  if (call.match == VersionMatch::kExact && call.resource_version == "0") {
    return Fail(InvalidOptions(
        "ListOptions",
        schema::Forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"")));
  }
  return {};
}

}  // namespace

VersionPtr ObjectTable::Find(Name name) const {
  const auto found = all_.find(name);
  return found == all_.end() ? nullptr : *found;
}

void ObjectTable::Put(VersionPtr version) {
  const auto found = all_.find(version);
  if (found == all_.end()) {
    all_.insert(std::move(version));
    return;
  }
  const auto next = std::next(found);
  auto node = all_.extract(found);
  node.value() = std::move(version);
  all_.insert(next, std::move(node));
}

void ObjectTable::Erase(Name name) {
  if (const auto found = all_.find(name); found != all_.end()) {
    all_.erase(found);
  }
}

std::vector<VersionPtr> ObjectTable::Range(std::string_view namespace_name, Name from,
                                           std::size_t most) const {
  from = std::max(from, Name(namespace_name, {}));
  std::vector<VersionPtr> out;
  for (auto at = all_.lower_bound(from); at != all_.end() && out.size() < most; ++at) {
    if (!namespace_name.empty() && (*at)->key().namespace_name != namespace_name) {
      break;
    }
    out.push_back(*at);
  }
  return out;
}

std::size_t ObjectTable::Count(std::string_view namespace_name) const {
  if (namespace_name.empty()) {
    return all_.size();
  }
  auto at = all_.lower_bound(Name(namespace_name, {}));
  std::size_t count = 0;
  for (; at != all_.end() && (*at)->key().namespace_name == namespace_name; ++at) {
    ++count;
  }
  return count;
}

DurableState::DurableState(const ResourceRegistry& registry, ChangeLog::Bounds bounds)
    : registry_(registry), tables_(registry.All().size()), log_(bounds) {}

VersionPtr DurableState::Find(const ResourceInfo& resource, std::string_view namespace_name,
                              std::string_view name) const {
  const std::shared_lock lock(mutex_);
  return tables_[resource.index].Find({namespace_name, name});
}

std::int64_t DurableState::Revision() const {
  const std::shared_lock lock(mutex_);
  return revision_;
}

std::int64_t DurableState::Compacted() const {
  const std::shared_lock lock(mutex_);
  return log_.Compacted();
}

Result<DurableState::Page> DurableState::PageOf(const ListCall& call) const {
  if (call.continue_token.empty()) {
    MIDWATCH_TRY(CheckVersionMatch(call));
    Page page;
    if (!call.resource_version.empty()) {
      MIDWATCH_ASSIGN(const std::int64_t asked, ParseVersion(call.resource_version));
      const std::int64_t current = Revision();
      if (asked > current) {
        return Fail(TooLargeVersionError(asked, current));
      }
      page.revision = call.match == VersionMatch::kExact ? asked : 0;
    }
    return page;
  }
  if (!call.resource_version.empty() || call.match != VersionMatch::kUnset) {
    return Fail(ErrorCode::kBadRequest,
                "specifying resource version is not allowed when using continue");
  }
  MIDWATCH_ASSIGN(ContinueToken token, ContinueToken::Decode(call.continue_token));
  if (token.revision <= 0) {
    return Fail(ErrorCode::kBadRequest, "invalid continue token: no revision");
  }
  return Page{.revision = token.revision,
              .namespace_name = std::move(token.namespace_name),
              .name = token.name + '\0',
              .left = token.left};
}

/// The first `most` objects of a page, before selectors, and no fewer if there are more. Fills in
/// which revision the page is of, and how many are left from its start where that is cheap to tell.
Result<std::vector<VersionPtr>> DurableState::Collect(const ListCall& call,
                                                      const Selection& selection, std::size_t most,
                                                      Page& page) const {
  const ResourceInfo& resource = *call.target.resource;
  const ObjectTable& table = tables_[resource.index];
  const ObjectTable::Name from{page.namespace_name, page.name};
  const std::shared_lock lock(mutex_);
  const bool is_first = call.continue_token.empty();
  page.revision = page.revision == 0 ? revision_ : page.revision;
  if (page.revision > revision_) {
    return Fail(TooLargeVersionError(page.revision, revision_));
  }
  if (page.revision == revision_) {
    if (is_first && most != ObjectTable::kAll) {
      page.left = static_cast<std::int64_t>(table.Count(selection.namespace_name));
    }
    return table.Range(selection.namespace_name, from, most);
  }
  const auto past = log_.PastOf(resource, page.revision);
  if (!past) {
    return Fail(ErrorCode::kExpired,
                call.continue_token.empty()
                    ? "The resourceVersion for the provided list is too old."
                    : "The provided continue parameter is too old to display a consistent list "
                      "result. You must start a new list without the continue parameter.");
  }
  // As many more as the past may take away. Of a first page all, to count them.
  const bool bounded = !is_first && most < ObjectTable::kAll - past->size();
  auto items = table.Range(selection.namespace_name, from,
                           bounded ? most + past->size() : ObjectTable::kAll);
  OverlayPast(*past, selection.namespace_name, from, items);
  if (is_first) {
    page.left = static_cast<std::int64_t>(items.size());
  }
  return items;
}

Result<ListAnswer> DurableState::List(const ListCall& call, const Selection& selection) const {
  MIDWATCH_ASSIGN(Page page, PageOf(call));
  const auto limit = static_cast<std::size_t>(std::max<std::int64_t>(call.limit, 0));
  const bool paged = limit != 0 && call.resource_version != "0";
  const bool counted = paged && !selection.HasSelectors();
  ListAnswer answer;
  // One more than the page shows: that there is one tells that it is not the last.
  MIDWATCH_ASSIGN(answer.items,
                  Collect(call, selection, counted ? limit + 1 : ObjectTable::kAll, page));
  answer.revision = page.revision;
  if (selection.HasSelectors()) {
    std::erase_if(answer.items, [&](const VersionPtr& item) { return !selection.Matches(*item); });
  }
  if (paged && answer.items.size() > limit) {
    if (counted && page.left) {
      answer.remaining = *page.left - call.limit;
    }
    answer.items.resize(limit);
    const ObjectKey& last = answer.items.back()->key();
    answer.continue_token = ContinueToken{.revision = answer.revision,
                                          .namespace_name = last.namespace_name,
                                          .name = last.name,
                                          .left = answer.remaining}
                                .Encode();
  }
  return answer;
}

ListAnswer DurableState::Snapshot(const ResourceInfo& resource, const Selection& selection) const {
  ListAnswer answer;
  {
    const std::shared_lock lock(mutex_);
    answer.revision = revision_;
    answer.items = tables_[resource.index].Range(selection.namespace_name, {});
  }
  std::erase_if(answer.items, [&](const VersionPtr& item) { return !selection.Matches(*item); });
  return answer;
}

VersionPtr DurableState::Make(JournalRow row) const {
  const ResourceInfo* resource = registry_.FindResource(row.key.resource);
  if (resource == nullptr) {
    return nullptr;
  }
  return std::make_shared<const Version>(*resource, std::move(row.key),
                                         Object::FromStored(std::move(row.bytes)), row.revision);
}

Result<void> DurableState::Load(JournalState loaded, MonoTime now) {
  const std::unique_lock lock(mutex_);
  revision_ = loaded.revision;
  std::unordered_map<std::int64_t, VersionPtr> latest;
  for (JournalRow& row : loaded.latest) {
    const std::int64_t revision = row.revision;
    if (VersionPtr version = Make(std::move(row))) {
      latest.emplace(revision, version);
      tables_[version->resource().index].Put(std::move(version));
    }
  }
  return LoadLog(std::move(loaded), latest, now);
}

Result<void> DurableState::LoadLog(JournalState loaded,
                                   const std::unordered_map<std::int64_t, VersionPtr>& latest,
                                   MonoTime now) {
  log_.Start(loaded.compacted);
  std::unordered_map<std::int64_t, VersionPtr> seen;
  for (JournalRow& row : loaded.superseded) {
    const std::int64_t revision = row.revision;
    seen.emplace(revision, Make(std::move(row)));
  }
  for (JournalRow& row : loaded.log) {
    const std::int64_t revision = row.revision;
    const std::int64_t previous = row.previous;
    const bool deleted = row.deleted;
    if (revision != log_.Newest() + 1) {
      break;
    }
    const auto kept = latest.find(revision);
    VersionPtr version = kept != latest.end() ? kept->second : Make(std::move(row));
    if (version == nullptr) {  // Of a resource that is no longer served: watches start after it.
      log_ = ChangeLog(log_.bounds());
      log_.Start(revision);
      continue;
    }
    const auto before = seen.find(previous);
    log_.Append({.before = before == seen.end() ? nullptr : before->second,
                 .after = version,
                 .deleted = deleted,
                 .before_known = previous == 0 || before != seen.end(),
                 .at = now});
    seen.emplace(revision, std::move(version));
  }
  if (log_.Newest() != revision_) {
    return Fail(ErrorCode::kInternal,
                "the change log has a gap after revision " + std::to_string(log_.Newest()));
  }
  return {};
}

void DurableState::Apply(Change change) {
  const std::unique_lock lock(mutex_);
  const VersionPtr& version = change.after;
  ObjectTable& table = tables_[version->resource().index];
  if (change.deleted) {
    table.Erase({version->key().namespace_name, version->key().name});
  } else {
    table.Put(version);
  }
  revision_ = version->revision();
  log_.Append(std::move(change));
}

void DurableState::Trim(MonoTime now) {
  const std::unique_lock lock(mutex_);
  log_.Trim(now);
}

}  // namespace midwatch::apiserver
