#pragma once

#include <cstddef>
#include <deque>

#include "controller/object/object.h"

namespace midwatch::apiserver {

/// Keeps the trees of the objects that were written last with their records, so that what is
/// written again soon (a Lease, the status of what is under way) is not parsed again. Bounded by
/// what the objects have as bytes; a tree takes several times that. One thread.
class RecentBodies {
 public:
  explicit RecentBodies(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  ~RecentBodies();
  RecentBodies(const RecentBodies&) = delete;
  RecentBodies& operator=(const RecentBodies&) = delete;

  /// `body` is what the object's bytes would be read as.
  void Keep(const Object& object, Json body);

 private:
  void DropOldest();

  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::deque<Object> kept_;
};

}  // namespace midwatch::apiserver
