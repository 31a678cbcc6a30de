#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/json.h"
#include "controller/object/resource_type.h"

namespace midwatch::schema {

/// Kubernetes' metav1.CauseType, as far as validation gives it.
enum class CauseReason : std::uint8_t {
  kInvalid,
  kTypeInvalid,
  kRequired,
  kNotSupported,
  kForbidden,
  kDuplicate,
  kTooLong,
  kTooMany,
};

/// `FieldValueInvalid`, …
std::string_view NameOf(CauseReason reason);

/// One rule that an object breaks, worded as Kubernetes does.
struct FieldError {
  std::string field;  ///< `spec.ports[0].name`; `<nil>` where no field is to blame.
  CauseReason reason = CauseReason::kInvalid;
  std::string
      message;  ///< Without the field: `Unsupported value: "x": supported values: "a", "b"`.

  friend bool operator==(const FieldError&, const FieldError&) = default;
};

/// Errors of one object after which no more are looked for: a small body could break a rule
/// thousands of times.
inline constexpr std::size_t kMostFieldErrors = 100;

// The wordings of k8s.io/apimachinery/pkg/util/validation/field.
FieldError Invalid(std::string field, const Json& value, std::string_view detail);
FieldError TypeInvalid(std::string field, const Json& value, std::string_view detail);
FieldError Required(std::string field, std::string_view detail);
FieldError NotSupported(std::string field, const Json& value,
                        const std::vector<std::string>& supported);
FieldError Forbidden(std::string field, std::string_view detail);
FieldError Duplicate(std::string field, const Json& value);
FieldError TooLong(std::string field, std::int64_t most_bytes);
FieldError TooMany(std::string field, std::int64_t found, std::int64_t most);

/// `spec.color: Required value`, or `[a: …, b: …]` if there are several; equal ones once.
std::string JoinMessages(const std::vector<FieldError>& errors);

/// The 422 answer: `Widget.demo.example.io "w1" is invalid: …`, details with every cause.
Error InvalidObject(const ResourceType& type, std::string_view name,
                    const std::vector<FieldError>& errors);

}  // namespace midwatch::schema
