#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "controller/artifacts/fair_turns.h"
#include "controller/env/actor.h"
#include "controller/env/http_handler.h"
#include "controller/env/inbox.h"

namespace midwatch::cmd {

/// Handles requests whose bodies take long to read, be it parsing or hashing: everybody waits for
/// the server's threads, for this one only who sends so much. One after the other, by turns between
/// callers.
class LargeBodies final : public Actor {
 public:
  /// Up to here a body is read in a moment.
  static constexpr std::size_t kSmall = std::size_t{64} << 10;

  /// A request, and where it goes; that outlives this.
  struct Request {
    HttpHandler& to;
    HttpRequest request;
    std::unique_ptr<HttpResponder> responder;
  };

  explicit LargeBodies(Waker& waker);
  /// Nothing that waits still is handled.
  ~LargeBodies() override;

  /// Handles it later, on the actor's thread. Where too many wait, of this caller or in all, it is
  /// answered 429 at once. Any thread.
  void Add(const std::string& caller, Request request);
  bool Step(Now now) override;
  std::optional<MonoTime> NextWake() const override { return std::nullopt; }

 private:
  struct Waiting {
    Request request;
    artifacts::FairTurns::Turn turn;
  };
  using WaitingPtr = std::shared_ptr<Waiting>;  // Shared only to fit into callbacks.

  const std::shared_ptr<artifacts::FairTurns> turns_ = std::make_shared<artifacts::FairTurns>(1);
  const std::shared_ptr<Inbox<WaitingPtr>> inbox_;  // With turns that come.
};

}  // namespace midwatch::cmd
