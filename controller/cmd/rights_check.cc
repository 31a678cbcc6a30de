#include "controller/cmd/rights_check.h"

#include <utility>

#include "controller/object/json.h"

namespace midwatch::cmd {
namespace {

constexpr Duration kAskAgain = std::chrono::seconds(10);

/// Whoever reads Secrets has every token that is kept in one.
Json Question(const std::string& namespace_name) {
  return Json::Of(
      {{"apiVersion", "authorization.k8s.io/v1"},
       {"kind", "SelfSubjectAccessReview"},
       {"spec", Json::Of({{"resourceAttributes", Json::Of({{"namespace", namespace_name},
                                                           {"verb", "get"},
                                                           {"resource", "secrets"}})}})}});
}

}  // namespace

bool RightsCheck::Exceeds(HttpClient& http, const std::string& namespace_name, MonoTime now) {
  if (answer_->load() == Answer::kYes) {
    answer_->store(Answer::kNo);  // It is told once.
    return true;
  }
  if (answer_->load() != Answer::kNone || now < ask_at_) {
    return false;
  }
  ask_at_ = now + kAskAgain;
  answer_->store(Answer::kAwaited);
  http.Send({.method = "POST",
             .target = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
             .headers = {{"Content-Type", "application/json"}},
             .body = Question(namespace_name).Dump()},
            [answer = answer_](const Result<HttpResponse>& response) {
              const auto said = response ? ParseJson(response->body) : Fail(response.error());
              const bool answered = said && response->status < 300;
              const bool may = answered && said->At("status", "allowed").AsBool();
              answer->store(may ? Answer::kYes : answered ? Answer::kNo : Answer::kNone);
            });
  return false;
}

}  // namespace midwatch::cmd
