#pragma once

#include <string>

#include "controller/base/result.h"
#include "controller/env/http_handler.h"
#include "controller/object/json.h"

namespace midwatch::apiserver {

/// A metav1.Status of a failure, serialised.
std::string StatusBody(const Error& error);

/// The answer for a failure: its HTTP status, a Status, and Retry-After where clients should try
/// again.
HttpResponse StatusAnswer(const Error& error);
HttpResponse JsonAnswer(int status, std::string body);
HttpResponse TextAnswer(int status, std::string text);
/// `404 page not found`, as for every path that leads to nothing.
HttpResponse PageNotFound();

/// A field value of `Warning`: `299 - "…"` (RFC 7234 section 5.5), cut to a sensible length.
std::string WarningValue(std::string_view text);

}  // namespace midwatch::apiserver
