#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "controller/apiserver/resource_registry.h"
#include "controller/object/object.h"

namespace midwatch::apiserver {

/// One version of one object: what store, change log, watches and readers share. Immutable but for
/// what is worked out at first use; thread-safe.
class Version {
 public:
  Version(const ResourceInfo& resource, ObjectKey key, Object object, std::int64_t revision)
      : resource_(resource),
        key_(std::move(key)),
        object_(std::move(object)),
        revision_(revision) {}

  const ResourceInfo& resource() const { return resource_; }
  const ObjectKey& key() const { return key_; }
  const Object& object() const { return object_; }
  std::int64_t revision() const { return revision_; }
  /// The texts of the resource's selectable fields, in their order; empty where absent.
  const std::vector<std::string>& SelectableValues() const;

 private:
  const ResourceInfo& resource_;
  const ObjectKey key_;
  const Object object_;
  const std::int64_t revision_;
  mutable std::once_flag read_;
  mutable std::vector<std::string> values_;  // Written once, under read_.
};

using VersionPtr = std::shared_ptr<const Version>;

}  // namespace midwatch::apiserver
