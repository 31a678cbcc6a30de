#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace midwatch::apiserver {

/// Bounds how many objects somebody has, those that are being created included: many creations at
/// once make no more of them than one after the other. Thread-safe.
class CreationQuota {
 public:
  CreationQuota() : state_(std::make_shared<State>()) {}

  /// A place for one more, to be held until the creation is answered. Null: `count`, which counts
  /// those that stand, and those under way are `most`.
  std::shared_ptr<void> Take(const std::string& whose, std::size_t most,
                             const std::function<std::size_t()>& count);

 private:
  struct State {
    std::mutex mutex;
    std::map<std::string, std::size_t> under_way;
  };
  std::shared_ptr<State> state_;  // With the places that are held.
};

}  // namespace midwatch::apiserver
