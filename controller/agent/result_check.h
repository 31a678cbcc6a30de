#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "controller/agent/artifact_text.h"
#include "controller/api/values.h"
#include "controller/base/result.h"
#include "controller/object/json.h"
#include "controller/schema/compiled_schema.h"

namespace midwatch::agent {

/// Decides whether what a sidecar submits is a result: it fits the schema of its mission type, has
/// no unknown fields, is not longer than kMaxBytes, and every quote stands word for word in the
/// input that it names, on the lines that it names. Immutable.
class ResultCheck {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 10;  ///< As JSON.

  explicit ResultCheck(api::MissionType type);

  /// The result as it is kept: its quotes' lines are exactly those they stand on. Otherwise
  /// kInvalid or kTooLarge with everything that is wrong, for the sidecar to mend.
  Result<Json> Check(const Json& submitted, const ArtifactTexts& inputs) const;

  /// Whether a result that was accepted still is one as it is kept (OutwardText::Document): what
  /// was there for its length may be gone.
  Result<void> CheckKept(const Json& kept) const;

  /// What `submit_result` takes, as JSON Schema.
  const Json& input_schema() const { return input_schema_; }

 private:
  schema::CompiledSchema schema_;
  Json input_schema_;
};

}  // namespace midwatch::agent
