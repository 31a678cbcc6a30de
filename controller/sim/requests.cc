#include "controller/sim/requests.h"

#include <utility>

namespace midwatch::sim {
namespace {

using std::chrono::seconds;

constexpr int kMaxTries = 2000;

std::pair<std::string, std::string> SplitPath(const std::string& path) {
  const std::size_t slash = path.find('/');
  return slash == std::string::npos ? std::pair{std::string(), path}
                                    : std::pair{path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

void Requests::Try(std::string what, Send send, int tries) {
  ++open_;
  Send again = send;
  send(world_.client, [this, what = std::move(what), again = std::move(again),
                       tries](const Result<Object>& result) {
    --open_;
    if (result || tries > kMaxTries) {
      return;
    }
    switch (result.error().code) {
      case ErrorCode::kAlreadyExists:
      case ErrorCode::kNotFound:
        return;
      case ErrorCode::kConflict:
      case ErrorCode::kTimeout:
      case ErrorCode::kUnavailable:
      case ErrorCode::kOutcomeUnknown:
      case ErrorCode::kTooManyRequests:
      case ErrorCode::kInsufficientStorage:
        ++open_;
        world_.scheduler.After(seconds(2), [this, what, again, tries] {
          --open_;
          Try(what, again, tries + 1);
        });
        return;
      case ErrorCode::kForbidden:
        if (result.error().message.find("being terminated") != std::string::npos) {
          return;  // f25
        }
        world_.refused(what + ": " + result.error().message);
        return;
      case ErrorCode::kInvalid:
        if (result.error().message.find("append-only") != std::string::npos) {
          return;  // A later report of the job, with this one in it, was quicker.
        }
        [[fallthrough]];
      default:
        world_.refused(what + ": " + result.error().message);
    }
  });
}

void Requests::Create(const ResourceType& type, Json body) {
  const std::string what = "create " + type.kind + " " + body.At("metadata", "name").AsString();
  Try(what, [type, body = std::move(body)](KubeClient& client, Completion<Object> done) {
    client.Create({type, body, "user", false}, std::move(done));
  });
}

void Requests::Patch(const ResourceType& type, const std::string& path, Json patch) {
  const auto [space, name] = SplitPath(path);
  PatchRequest request;
  request.type = type;
  request.namespace_name = space;
  request.name = name;
  request.patch = std::move(patch);
  request.field_manager = "user";
  Try("patch " + type.kind + " " + path,
      [request = std::move(request)](KubeClient& client, Completion<Object> done) {
        client.Patch(request, std::move(done));
      });
}

void Requests::Delete(const ResourceType& type, const std::string& path) {
  const auto [space, name] = SplitPath(path);
  DeleteRequest request;
  request.type = type;
  request.namespace_name = space;
  request.name = name;
  Try("delete " + type.kind + " " + path,
      [this, request = std::move(request)](KubeClient& client, Completion<Object> done) {
        deleted_[{request.type.Resource(), request.namespace_name, request.name}] =
            world_.scheduler.now();
        client.Delete(request, std::move(done));
      });
}

std::optional<SimTime> Requests::AskedToDelete(const ObjectKey& key) const {
  const auto found = deleted_.find(key);
  return found == deleted_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace midwatch::sim
