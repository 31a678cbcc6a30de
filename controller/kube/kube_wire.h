#pragma once

#include <string>
#include <string_view>

#include "controller/base/result.h"
#include "controller/env/http_client.h"
#include "controller/env/kube_client.h"

namespace midwatch::kube {

// What requests and answers of the API look like as text. Pure.

/// `/apis/midwatch.dev/v1alpha1/namespaces/a/modules/b/status`; name and subresource may be empty.
std::string PathOf(const ResourceType& type, std::string_view namespace_name, std::string_view name,
                   std::string_view subresource = {});

/// Builds `?a=b&c=d`; empty values are left out.
class QueryText {
 public:
  QueryText& Add(std::string_view name, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string_view ContentTypeOf(PatchType type);

/// The error of an answer that is not 2xx: of its Status, where it has one.
Error ErrorOf(const HttpResponse& response);
/// Likewise for a write: failures that do not say whether it happened are kOutcomeUnknown.
Error WriteErrorOf(const HttpResponse& response);

/// An object from a list or a watch, whose kind the server may have left out.
Result<Object> ObjectOf(Json body, const ResourceType& type);

Result<ListResponse> ReadList(const std::string& body, const ResourceType& type);

/// The object that a deletion answered with, or one with type, name and UID from its Status.
Result<Object> ReadDeleted(const std::string& body, const DeleteRequest& request);

/// An event of a watch: `{"type":…,"object":…}`. An ERROR event is its Error.
Result<WatchEvent> ReadWatchLine(const std::string& line, const ResourceType& type);

}  // namespace midwatch::kube
