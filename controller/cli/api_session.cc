#include "controller/cli/api_session.h"

#include <utility>

#include "controller/base/error_table.h"
#include "controller/base/text.h"
#include "controller/cli/await.h"
#include "controller/cli/command_line.h"

namespace midwatch::cli {
namespace {

constexpr std::int64_t kPageSize = 500;
constexpr int kFirstErrorStatus = 400;

}  // namespace

Result<ApiSession> ApiSession::Open(Context& context, const ClientOptions& options,
                                    const std::string& said_too) {
  if (!said_too.empty() && !options.namespace_name.empty() && said_too != options.namespace_name) {
    return Fail(ErrorCode::kInvalid,
                "two namespaces: -n " + options.namespace_name + ", and " + said_too + "/…");
  }
  const auto candidates = KubeconfigCandidates(options.kubeconfig, context.world.environment);
  MIDWATCH_ASSIGN(Connection connection, context.world.connect(candidates));
  return ApiSession(context, std::move(connection),
                    said_too.empty() ? options.namespace_name : said_too);
}

template <typename T, typename Start>
Result<T> ApiSession::Call(Start start) {
  auto answer = Await<T>(*context_, deadline_, connection_.server, std::move(start));
  const bool unnamed = !answer && answer.error().code == ErrorCode::kUnavailable &&
                       answer.error().message.find(connection_.server) == std::string::npos;
  return unnamed ? Result<T>(Fail(ErrorCode::kUnavailable,
                                  connection_.server + ": " + answer.error().message))
                 : std::move(answer);
}

Result<Object> ApiSession::Get(const ResourceType& type, const std::string& namespace_name,
                               const std::string& name) {
  GetRequest request{.type = type,
                     .namespace_name = type.namespaced ? namespace_name : std::string(),
                     .name = name};
  return Call<Object>([&](auto done) { connection_.kube->Get(std::move(request), done); });
}

Result<ListResponse> ApiSession::ListPage(ListRequest request) {
  return Call<ListResponse>([&](auto done) { connection_.kube->List(std::move(request), done); });
}

Result<std::vector<Object>> ApiSession::List(ListRequest request) {
  request.limit = kPageSize;
  std::vector<Object> out;
  for (;;) {
    MIDWATCH_ASSIGN(ListResponse page, ListPage(request));
    out.insert(out.end(), page.items.begin(), page.items.end());
    if (page.continue_token.empty()) {
      return out;
    }
    request.continue_token = page.continue_token;
  }
}

Result<Object> ApiSession::Create(CreateRequest request) {
  return Call<Object>([&](auto done) { connection_.kube->Create(std::move(request), done); });
}
Result<Object> ApiSession::Patch(PatchRequest request) {
  return Call<Object>([&](auto done) { connection_.kube->Patch(std::move(request), done); });
}
Result<Object> ApiSession::Delete(DeleteRequest request) {
  return Call<Object>([&](auto done) { connection_.kube->Delete(std::move(request), done); });
}

Result<Json> ApiSession::Fetch(const std::string& target, const std::string& accept) {
  HttpCall call{.method = "GET",
                .target = target,
                .headers = {{"Accept", accept}},
                .body = {},
                .deadline = deadline_};
  MIDWATCH_ASSIGN(const HttpResponse response, Call<HttpResponse>([&](auto done) {
                    connection_.http->Send(std::move(call), done);
                  }));
  if (response.status >= kFirstErrorStatus) {
    return Fail(ErrorOf(response));
  }
  return ParseJson(response.body);
}

Result<std::string> ApiSession::Upload(std::string bytes) {
  return Call<std::string>([&](auto done) { connection_.artifacts->Put(std::move(bytes), done); });
}
Result<std::string> ApiSession::Download(const std::string& digest) {
  return Call<std::string>([&](auto done) { connection_.artifacts->Get(digest, done); });
}
Result<std::string> ApiSession::ReadLog(const std::string& log, std::uint64_t offset,
                                        std::size_t limit) {
  return Call<std::string>(
      [&](auto done) { connection_.artifacts->Read(log, offset, limit, done); });
}

Error ErrorOf(const HttpResponse& response) {
  const auto status = ParseJson(response.body);
  const bool is_status = status && status->At("kind").AsString() == "Status";
  const std::string reason = is_status ? status->At("reason").AsString() : std::string();
  std::string message = is_status ? status->At("message").AsString()
                                  : std::string(Trim(Utf8Prefix(response.body, 200)));
  if (message.empty()) {
    message = "the server answered " + std::to_string(response.status);
  }
  return {.code = CodeOf(response.status, reason).value_or(ErrorCode::kInternal),
          .message = std::move(message)};
}

}  // namespace midwatch::cli
