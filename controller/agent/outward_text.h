#pragma once

#include <string>

#include "controller/agent/secret_mask.h"
#include "controller/object/json.h"

namespace midwatch::agent {

/// What a session says to the world about its sidecar passes here: it ends in the Run's status and
/// from there in Events, Dispatches, Reports, tables and logs. Known secrets are masked before
/// anything is cut; control characters and those that turn the direction of writing are left out,
/// so that no text acts on a terminal or reads as something else. Immutable.
class OutwardText {
 public:
  explicit OutwardText(SecretMask mask) : mask_(std::move(mask)) {}

  /// On one line, cut to `limit` bytes.
  std::string Line(std::string text, std::size_t limit) const;
  /// Every string in it; line feeds and tabs stay.
  Json Document(Json value) const;

 private:
  SecretMask mask_;
};

}  // namespace midwatch::agent
