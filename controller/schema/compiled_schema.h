#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/object/json.h"
#include "controller/schema/field_error.h"

namespace midwatch::schema {

struct SchemaNode;

/// A member that the schema does not know.
struct UnknownField {
  std::string path;        ///< `spec.ports[0].nmae`
  std::string suggestion;  ///< The sibling that was probably meant (`name`), or empty.

  friend bool operator==(const UnknownField&, const UnknownField&) = default;
};

inline constexpr std::size_t kMostUnknownFields = 100;

/// The schema of one version of a kind, ready to be used: what a kube-apiserver makes of a CRD's
/// `openAPIV3Schema`. The root is a whole API object: apiVersion, kind and metadata are always
/// known, metadata has the shape of metav1.ObjectMeta.
///
/// Order of use on a write: Prune, ApplyDefaults, Validate. Immutable, cheap to copy, thread-safe.
class CompiledSchema {
 public:
  /// From the `openAPIV3Schema` of a CRD. kInvalid names the place in the schema: it is not
  /// structural, a pattern or a CEL rule does not compile, a list key is missing.
  static Result<CompiledSchema> Compile(const Json& openapi);

  /// Removes what the schema does not know and says what it was, metadata first; it says so of the
  /// first kMostUnknownFields.
  std::vector<UnknownField> Prune(Json& object) const;

  /// Fills in defaults; null in a field that is not nullable is dropped first.
  void ApplyDefaults(Json& object) const;

  /// Everything that is wrong with the object: structure, list types, embedded resources, CEL
  /// rules. `old` is the stored object on an update: parts that have not changed are not held
  /// against the caller, and transition rules see it. `found` are errors of earlier checks
  /// (metadata): they are returned in front, and rules are skipped, with a note, where they would
  /// judge a broken object. What `metadata` must satisfy beyond its types is ValidateMetadata's.
  std::vector<FieldError> Validate(const Json& object, const Json* old = nullptr,
                                   std::vector<FieldError> found = {}) const;

  const SchemaNode& root() const { return *root_; }

 private:
  explicit CompiledSchema(std::shared_ptr<const SchemaNode> root) : root_(std::move(root)) {}
  std::shared_ptr<const SchemaNode> root_;
};

}  // namespace midwatch::schema
