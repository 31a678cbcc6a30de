#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/api/codec.h"
#include "controller/cli/context.h"

namespace midwatch::cli {

/// How long one call of the API may take.
inline constexpr Duration kCallDeadline = std::chrono::seconds(30);

/// The API and the artifact service, one call at a time: each call waits for its answer. Errors are
/// what the server said; no answer in time is kTimeout. Not thread-safe.
class ApiSession {
 public:
  /// Opens what the options say. Talks to nobody yet. `said_too`: the namespace that the name of an
  /// object said; another one than the options' is kInvalid.
  static Result<ApiSession> Open(Context& context, const ClientOptions& options,
                                 const std::string& said_too = {});

  /// The namespace of the options, else the kubeconfig's, else `default`.
  const std::string& namespace_name() const { return namespace_; }
  /// ` -n NAMESPACE` for a command in a hint, if it was said; else nothing.
  const std::string& namespace_option() const { return namespace_option_; }
  const Connection& connection() const { return connection_; }
  void SetDeadline(Duration deadline) { deadline_ = deadline; }

  Result<Object> Get(const ResourceType& type, const std::string& namespace_name,
                     const std::string& name);
  /// All pages.
  Result<std::vector<Object>> List(ListRequest request);
  Result<ListResponse> ListPage(ListRequest request);
  Result<Object> Create(CreateRequest request);
  Result<Object> Patch(PatchRequest request);
  Result<Object> Delete(DeleteRequest request);
  /// A typed object.
  template <api::ApiKind T>
  Result<T> GetAs(const std::string& namespace_name, const std::string& name) {
    MIDWATCH_ASSIGN(const Object object, Get(T::Type(), namespace_name, name));
    return api::FromObject<T>(object);
  }
  template <api::ApiKind T>
  Result<std::vector<T>> ListAs(ListRequest request) {
    request.type = T::Type();
    MIDWATCH_ASSIGN(const std::vector<Object> objects, List(std::move(request)));
    std::vector<T> out;
    for (const Object& object : objects) {
      MIDWATCH_ASSIGN(T typed, api::FromObject<T>(object));
      out.push_back(std::move(typed));
    }
    return out;
  }

  /// A JSON document. A status of 400 or more is an Error with the message of the Status.
  Result<Json> Fetch(const std::string& target, const std::string& accept = "application/json");

  Result<std::string> Upload(std::string bytes);
  Result<std::string> Download(const std::string& digest);
  Result<std::string> ReadLog(const std::string& log, std::uint64_t offset, std::size_t limit);

 private:
  ApiSession(Context& context, Connection connection, std::string said)
      : context_(&context), connection_(std::move(connection)) {
    namespace_option_ = said.empty() ? std::string() : " -n " + said;
    namespace_ = !said.empty()                        ? std::move(said)
                 : connection_.namespace_name.empty() ? "default"
                                                      : connection_.namespace_name;
  }

  template <typename T, typename Start>
  Result<T> Call(Start start);

  Context* context_;  // Outlives the session.
  Connection connection_;
  std::string namespace_;
  std::string namespace_option_;
  Duration deadline_ = kCallDeadline;
};

/// What an HTTP answer that is no success says.
Error ErrorOf(const HttpResponse& response);

}  // namespace midwatch::cli
