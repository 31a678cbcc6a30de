#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/apiserver/requests.h"
#include "controller/base/time.h"
#include "controller/object/object.h"

namespace midwatch::apiserver {

inline constexpr std::size_t kMaxFieldManagerBytes = 128;
inline constexpr std::size_t kMaxGeneratedBase = 58;  ///< Of a generateName, before the suffix.
inline constexpr std::string_view kForegroundFinalizer = "foregroundDeletion";
inline constexpr std::string_view kOrphanFinalizer = "orphan";

/// What a plan may draw upon beside the call and the stored object.
struct WriteContext {
  WallTime now;
  std::string uid;          ///< For an object that is created; empty where one stands already.
  std::string name_suffix;  ///< For a generateName; likewise.
  std::size_t max_object_bytes = 0;
};

enum class WriteOutcome : std::uint8_t {
  kUnchanged,  ///< Nothing is to be written: the stored object is the answer.
  kStore,
  kRemove,  ///< The object goes; the plan has its last state.
};

/// What a write makes of one object.
struct WritePlan {
  WriteOutcome outcome = WriteOutcome::kUnchanged;
  std::string name;  ///< Of the object, when it was generated too.
  std::string api_version;
  std::string kind;
  ObjectMeta meta;    ///< Without the version, which only the commit knows,
  std::string bytes;  ///< and here it is an empty text, and in
  Json body;          ///< what the bytes would be read as. Null: that is not known.
  bool created = false;
  std::vector<std::string> warnings;
};

/// Decides what a write does to the object that stands there (empty: none). Pure: the same
/// arguments give the same plan. Whether the namespace exists is not looked at.
Result<WritePlan> PlanWrite(const WriteCall& call, const Object& stored, const Admission& admit,
                            const WriteContext& context);

}  // namespace midwatch::apiserver
