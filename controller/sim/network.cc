#include "controller/sim/network.h"

#include <algorithm>
#include <utility>

#include "controller/runtime/executor.h"

namespace midwatch::sim {
namespace {

constexpr Duration kClientTimeout = std::chrono::seconds(10);
constexpr Duration kLateBy = std::chrono::seconds(5);

Error Lost(bool is_write) {
  return is_write ? Error{ErrorCode::kOutcomeUnknown, "the answer was lost"}
                  : Error{ErrorCode::kUnavailable, "the answer was lost"};
}

}  // namespace

void Endpoint::Down() {
  api_ = nullptr;
  const auto pending = std::exchange(pending_, {});
  for (const auto& [id, fail] : pending) {
    fail();
  }
  clients_.clear();
}

KubeClient& Endpoint::ClientOf(const apiserver::Identity& identity) {
  auto& client = clients_[identity.username];
  if (client == nullptr) {
    client = std::make_unique<apiserver::LocalKubeClient>(*api_, identity);
  }
  return *client;
}

SimKubeClient::SimKubeClient(World world, apiserver::Identity identity, fakes::SeededRandom random)
    : world_(std::move(world)),
      identity_(std::move(identity)),
      random_(random),
      alive_(std::make_shared<bool>(true)) {}

SimKubeClient::~SimKubeClient() { *alive_ = false; }

Duration SimKubeClient::Delay() {
  const auto longest = static_cast<std::uint64_t>(world_.weather.longest_delay.count());
  return longest == 0 ? Duration::zero()
                      : Duration(static_cast<std::int64_t>(random_.Below(longest)));
}

SimTime SimKubeClient::ReadAfterStop() {
  constexpr std::uint64_t kReadsWithin = 200'000;
  const SimTime held_until = world_.weather.held_until;
  return held_until <= world_.scheduler.now()
             ? 0
             : held_until + static_cast<SimTime>(random_.Below(kReadsWithin));
}

template <typename T>
void SimKubeClient::Call(bool is_write, Perform<T> perform, Completion<T> done) {
  const LinkWeather& weather = world_.weather;
  auto answer = [alive = alive_, done = std::move(done)](Result<T> result) {
    if (*alive) {
      done(std::move(result));
    }
  };
  const auto fail_after = [&](Duration delay, Error error) {
    world_.scheduler.After(delay, [answer, error = std::move(error)] { answer(Fail(error)); });
  };
  if (weather.Fair()) {
    Arrive<T>(is_write, perform, std::move(answer));
  } else if (weather.down) {
    fail_after(std::chrono::seconds(1), {ErrorCode::kUnavailable, "no route to host"});
  } else if (random_.Chance(weather.lose_request)) {
    fail_after(kClientTimeout, Lost(is_write));
  } else if (is_write && random_.Chance(weather.conflict)) {
    fail_after(Delay(), {ErrorCode::kConflict, "injected conflict"});
  } else if (random_.Chance(weather.throttle)) {
    fail_after(Delay(), {ErrorCode::kTooManyRequests, "injected throttling"});
  } else if (random_.Chance(weather.lose_answer)) {
    Arrive<T>(is_write, perform, [](Result<T>) {});
    fail_after(kClientTimeout, Lost(is_write));
  } else if (random_.Chance(weather.late)) {
    fail_after(kClientTimeout, Lost(is_write));
    world_.scheduler.After(kClientTimeout + kLateBy, [this, alive = alive_, is_write, perform] {
      if (*alive) {
        Arrive<T>(is_write, perform, [](Result<T>) {});
      }
    });
  } else {
    world_.scheduler.After(Delay(), [this, alive = alive_, is_write, perform, answer] {
      if (!*alive) {
        return;
      }
      Arrive<T>(is_write, perform, [this, alive, answer](Result<T> result) {
        if (*alive) {
          world_.scheduler.After(Delay(), [answer, result = std::move(result)] { answer(result); });
        }
      });
    });
  }
}

template <typename T>
void SimKubeClient::Arrive(bool is_write, const Perform<T>& perform, Completion<T> done) {
  Endpoint& endpoint = world_.endpoint;
  if (endpoint.api() == nullptr) {
    world_.scheduler.After(std::chrono::milliseconds(1), [done = std::move(done)] {
      done(Fail(ErrorCode::kUnavailable, "connection refused"));
    });
    return;
  }
  const std::uint64_t id = endpoint.next_++;
  endpoint.pending_[id] = [this, alive = alive_, is_write, done] {
    if (*alive) {
      world_.scheduler.After(std::chrono::milliseconds(1),
                             [done, is_write] { done(Fail(Lost(is_write))); });
    }
  };
  perform(endpoint.ClientOf(identity_), [&endpoint, id, done = std::move(done)](Result<T> result) {
    if (endpoint.pending_.erase(id) > 0) {
      done(std::move(result));
    }
  });
}

void SimKubeClient::Get(GetRequest request, Completion<Object> done) {
  Call<Object>(
      false,
      [request = std::move(request)](KubeClient& client, Completion<Object> answer) mutable {
        client.Get(std::move(request), std::move(answer));
      },
      std::move(done));
}

void SimKubeClient::List(ListRequest request, Completion<ListResponse> done) {
  Call<ListResponse>(
      false,
      [request = std::move(request)](KubeClient& client, Completion<ListResponse> answer) mutable {
        client.List(std::move(request), std::move(answer));
      },
      std::move(done));
}

void SimKubeClient::Write(const ObjectKey& key, bool deletes, Perform<Object> perform,
                          Completion<Object> done) {
  Call<Object>(true, std::move(perform),
               [this, key, deletes, done = std::move(done)](Result<Object> result) {
                 if (result && world_.acknowledged) {
                   world_.acknowledged(key, *result, deletes);
                 }
                 done(std::move(result));
               });
}

void SimKubeClient::Create(CreateRequest request, Completion<Object> done) {
  const ObjectKey key = TargetOf(midwatch::Write{request}).key;
  Write(
      key, false,
      [request = std::move(request)](KubeClient& client, Completion<Object> answer) mutable {
        client.Create(std::move(request), std::move(answer));
      },
      std::move(done));
}

void SimKubeClient::Update(UpdateRequest request, Completion<Object> done) {
  const ObjectKey key = TargetOf(midwatch::Write{request}).key;
  Write(
      key, false,
      [request = std::move(request)](KubeClient& client, Completion<Object> answer) mutable {
        client.Update(std::move(request), std::move(answer));
      },
      std::move(done));
}

void SimKubeClient::Patch(PatchRequest request, Completion<Object> done) {
  const ObjectKey key = TargetOf(midwatch::Write{request}).key;
  Write(
      key, false,
      [request = std::move(request)](KubeClient& client, Completion<Object> answer) mutable {
        client.Patch(std::move(request), std::move(answer));
      },
      std::move(done));
}

void SimKubeClient::Delete(DeleteRequest request, Completion<Object> done) {
  const ObjectKey key = TargetOf(midwatch::Write{request}).key;
  Write(
      key, true,
      [request = std::move(request)](KubeClient& client, Completion<Object> answer) mutable {
        client.Delete(std::move(request), std::move(answer));
      },
      std::move(done));
}

/// One watch on its way: events keep their order whatever their delays are.
class SimKubeClient::Relay final : public WatchSink,
                                   public std::enable_shared_from_this<SimKubeClient::Relay> {
 public:
  Relay(SimKubeClient& client, std::shared_ptr<WatchSink> sink)
      : client_(client), alive_(client.alive_), sink_(std::move(sink)) {}

  void OnEvent(const WatchEvent& event) override {
    if (closed_) {
      return;
    }
    const LinkWeather& weather = client_.world_.weather;
    if (weather.down) {
      return End({ErrorCode::kUnavailable, "connection reset"});
    }
    if (weather.drop_event > 0 && event.type != WatchEventType::kBookmark &&
        client_.random_.Chance(weather.drop_event)) {
      return;
    }
    const int times = client_.random_.Chance(weather.duplicate) ? 2 : 1;
    for (int i = 0; i < times; ++i) {
      Deliver([event](WatchSink& sink) { sink.OnEvent(event); });
    }
  }
  void OnEnd(const Error& why) override { End(why); }

  void End(const Error& why) {
    if (closed_ || ended_) {
      return;
    }
    ended_ = true;
    Deliver([why](WatchSink& sink) { sink.OnEnd(why); });
  }
  void Close() {
    closed_ = true;
    inner.reset();
  }
  bool closed() const { return closed_; }

  std::unique_ptr<WatchHandle> inner;

 private:
  void Deliver(std::function<void(WatchSink&)> call) {
    Scheduler& scheduler = client_.world_.scheduler;
    const SimTime at =
        std::max({last_, scheduler.now() + client_.Delay().count(), client_.ReadAfterStop()});
    if (at == scheduler.now() && in_flight_ == 0) {
      call(*sink_);
      return;
    }
    last_ = at;
    ++in_flight_;
    scheduler.At(at, [self = shared_from_this(), call = std::move(call)] {
      --self->in_flight_;
      if (!self->closed_ && *self->alive_) {
        call(*self->sink_);
      }
    });
  }

  SimKubeClient& client_;
  std::shared_ptr<bool> alive_;      // Of the client.
  std::shared_ptr<WatchSink> sink_;  // With whoever watches.
  SimTime last_ = 0;
  int in_flight_ = 0;
  bool ended_ = false;
  bool closed_ = false;
};

class SimKubeClient::Handle final : public WatchHandle {
 public:
  Handle(Endpoint& endpoint, std::shared_ptr<Relay> relay, std::uint64_t id)
      : endpoint_(endpoint), relay_(std::move(relay)), id_(id) {}
  ~Handle() override {
    relay_->Close();
    endpoint_.pending_.erase(id_);
  }
  bool RequestProgress(std::uint64_t number) override {
    return relay_->inner != nullptr && relay_->inner->RequestProgress(number);
  }

 private:
  Endpoint& endpoint_;
  std::shared_ptr<Relay> relay_;  // With what is on its way.
  std::uint64_t id_;
};

std::unique_ptr<WatchHandle> SimKubeClient::Watch(WatchRequest request,
                                                  std::shared_ptr<WatchSink> sink) {
  Endpoint& endpoint = world_.endpoint;
  const auto relay = std::make_shared<Relay>(*this, std::move(sink));
  const std::uint64_t id = endpoint.next_++;
  if (endpoint.api() == nullptr || world_.weather.down) {
    world_.scheduler.After(std::chrono::milliseconds(1), [relay, alive = alive_] {
      if (*alive) {
        relay->End({ErrorCode::kUnavailable, "connection refused"});
      }
    });
  } else {
    endpoint.pending_[id] = [relay] {
      relay->inner.reset();
      relay->End({ErrorCode::kUnavailable, "connection reset"});
    };
    relay->inner = endpoint.ClientOf(identity_).Watch(std::move(request), relay);
  }
  return std::make_unique<Handle>(endpoint, relay, id);
}

}  // namespace midwatch::sim
