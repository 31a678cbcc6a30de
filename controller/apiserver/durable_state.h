#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controller/apiserver/change_log.h"
#include "controller/apiserver/requests.h"
#include "controller/env/journal.h"

namespace midwatch::apiserver {

/// The objects of one resource by namespace and name.
class ObjectTable {
 public:
  using Name = std::pair<std::string_view, std::string_view>;
  struct Less {
    using is_transparent = void;
    static Name Of(const VersionPtr& v) { return {v->key().namespace_name, v->key().name}; }
    static Name Of(const Name& name) { return name; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Of(a) < Of(b);
    }
  };
  using Set = std::set<VersionPtr, Less>;

  VersionPtr Find(Name name) const;
  void Put(VersionPtr version);
  void Erase(Name name);
  const Set& all() const { return all_; }
  /// The first `most` objects from `from` on, in the namespace if one is given.
  std::vector<VersionPtr> Range(std::string_view namespace_name, Name from,
                                std::size_t most = kAll) const;
  std::size_t Count(std::string_view namespace_name) const;

  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

 private:
  Set all_;
};

/// What is durable: tables, change log, revision. One thread changes it and reads it as it likes;
/// every other thread reads through the functions below, under a shared lock held for a moment.
class DurableState {
 public:
  DurableState(const ResourceRegistry& registry, ChangeLog::Bounds bounds);

  // Any thread.

  VersionPtr Find(const ResourceInfo& resource, std::string_view namespace_name,
                  std::string_view name) const;
  Result<ListAnswer> List(const ListCall& call, const Selection& selection) const;
  /// A consistent view: everything selected, and the revision it is of.
  ListAnswer Snapshot(const ResourceInfo& resource, const Selection& selection) const;
  std::int64_t Revision() const;
  std::int64_t Compacted() const;

  // The thread that changes it.

  /// Objects of resources that are no longer served are left alone. kInternal: the log has a gap.
  Result<void> Load(JournalState loaded, MonoTime now);
  void Apply(Change change);
  void Trim(MonoTime now);
  const ChangeLog& log() const { return log_; }
  const ObjectTable& table(const ResourceInfo& resource) const { return tables_[resource.index]; }
  const ResourceRegistry& registry() const { return registry_; }

 private:
  struct Page {
    std::int64_t revision = 0;
    std::string namespace_name;
    std::string name;
    std::optional<std::int64_t> left;  ///< From here on, if that is known.
  };
  Result<Page> PageOf(const ListCall& call) const;
  Result<std::vector<VersionPtr>> Collect(const ListCall& call, const Selection& selection,
                                          std::size_t most, Page& page) const;
  VersionPtr Make(JournalRow row) const;
  Result<void> LoadLog(JournalState loaded,
                       const std::unordered_map<std::int64_t, VersionPtr>& latest, MonoTime now);

  const ResourceRegistry& registry_;
  mutable std::shared_mutex mutex_;
  std::vector<ObjectTable> tables_;  // By ResourceInfo::index.
  ChangeLog log_;
  std::int64_t revision_ = 0;
};

}  // namespace midwatch::apiserver
