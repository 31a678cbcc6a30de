#include "controller/cmd/large_bodies.h"

#include <utility>

#include "controller/apiserver/http_status.h"

namespace midwatch::cmd {

LargeBodies::LargeBodies(Waker& waker) : inbox_(std::make_shared<Inbox<WaitingPtr>>(waker)) {}

LargeBodies::~LargeBodies() {
  turns_->Stop();
  inbox_->Close();
}

void LargeBodies::Add(const std::string& caller, Request request) {
  const std::size_t bytes = request.request.body.size();
  const auto waiting = std::make_shared<Waiting>(Waiting{std::move(request), nullptr});
  const bool waits =
      turns_->Enter(caller, bytes, [inbox = inbox_, waiting](artifacts::FairTurns::Turn turn) {
        waiting->turn = std::move(turn);
        inbox->Push(waiting);
      });
  if (!waits) {
    waiting->request.responder->Respond(apiserver::StatusAnswer(
        {ErrorCode::kTooManyRequests,
         "too many large bodies are waiting to be read, please try again later"}));
  }
}

bool LargeBodies::Step(Now) {
  const auto next = inbox_->Take();
  if (!next) {
    return false;
  }
  Request& request = (*next)->request;
  request.to.Handle(std::move(request.request), std::move(request.responder));
  return true;
}

}  // namespace midwatch::cmd
