#pragma once

#include <string_view>

#include "controller/apiserver/api.h"
#include "controller/object/json.h"

namespace midwatch::apiserver {

/// Answers what a caller asks about itself: `kubectl auth whoami`, `can-i` and `can-i --list`.
/// `plural` is one of ReviewKinds; gives the review with its status filled in.
Result<Json> AnswerReview(const Api& api, const Identity& identity, std::string_view plural,
                          Json review);

}  // namespace midwatch::apiserver
