#pragma once

#include <cstddef>
#include <unordered_map>

#include "controller/base/time.h"
#include "controller/object/object_key.h"

namespace midwatch {

/// Holds back what is done about one key again and again: `kBurst` times at once, then once in
/// every `kInterval`. That is more than anybody asks for by hand or from CI, and little enough for
/// the store when two disagree for ever. Remembers only keys of which something was done lately.
/// One thread at a time.
class Pace {
 public:
  static constexpr int kBurst = 256;
  static constexpr Duration kInterval = std::chrono::milliseconds(50);

  /// From when on it may be done once more.
  MonoTime AllowedAt(const ObjectKey& key) const;
  /// It is done now.
  void Note(const ObjectKey& key, MonoTime now);
  std::size_t remembered() const { return full_at_.size(); }

 private:
  static constexpr std::size_t kForgetFrom = 1'024;

  std::unordered_map<ObjectKey, MonoTime, ObjectKeyHash>
      full_at_;  // When the burst is whole again.
  std::size_t forget_at_ = kForgetFrom;
};

}  // namespace midwatch
