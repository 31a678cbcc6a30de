#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "controller/apiserver/local_kube_client.h"
#include "controller/env/kube_client.h"
#include "controller/sim/scheduler.h"

namespace midwatch::sim {

/// What goes wrong between one client and the API, while it lasts. Chances are per mille of
/// requests or events.
struct LinkWeather {
  bool down = false;               ///< Nothing gets through (f34).
  std::uint64_t lose_request = 0;  ///< Never performed; a write's outcome is unknown to the client.
  std::uint64_t lose_answer = 0;   ///< f11: performed, the answer is lost.
  std::uint64_t late = 0;          ///< f11: performed after the client was told that nobody knows.
  std::uint64_t conflict = 0;      ///< f12: refused as a conflict without one.
  std::uint64_t throttle = 0;      ///< f13
  std::uint64_t duplicate = 0;     ///< f08: an event comes twice.
  std::uint64_t drop_event = 0;    ///< A planted bug: an event never comes, and nobody says so.
  Duration longest_delay = Duration::zero();  ///< f05, f09
  SimTime held_until = 0;  ///< f20: events lie in the buffers of a process that stands still.

  bool Fair() const { return *this == LinkWeather{}; }
  friend bool operator==(const LinkWeather&, const LinkWeather&) = default;
};

/// The API as the network shows it: there or not, and after a crash nothing of before it is
/// answered.
class Endpoint {
 public:
  explicit Endpoint(Scheduler& scheduler) : scheduler_(scheduler) {}

  void Up(apiserver::Api& api) { api_ = &api; }
  /// Of this life of the server; it must be up.
  KubeClient& ClientOf(const apiserver::Identity& identity);
  /// Before the api is destroyed: ends every watch, fails every request that is on its way.
  void Down();
  apiserver::Api* api() const { return api_; }

 private:
  friend class SimKubeClient;
  Scheduler& scheduler_;
  apiserver::Api* api_ = nullptr;
  std::map<std::string, std::unique_ptr<apiserver::LocalKubeClient>> clients_;  // By username.
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, std::function<void()>> pending_;  // How each call or watch learns of it.
};

/// A KubeClient over a network with weather, to LocalKubeClient. In fair weather a request costs
/// nothing and an answer is not delayed. Destroying it (its process crashed) silences everything
/// that is on its way.
class SimKubeClient final : public KubeClient {
 public:
  /// A write that was acknowledged, as the client saw it.
  using Acknowledged =
      std::function<void(const ObjectKey& key, const Object& object, bool deleted)>;

  struct World {
    Scheduler& scheduler;
    Endpoint& endpoint;
    const LinkWeather& weather;
    Acknowledged acknowledged;
  };

  SimKubeClient(World world, apiserver::Identity identity, fakes::SeededRandom random);
  ~SimKubeClient() override;

  void Get(GetRequest request, Completion<Object> done) override;
  void List(ListRequest request, Completion<ListResponse> done) override;
  void Create(CreateRequest request, Completion<Object> done) override;
  void Update(UpdateRequest request, Completion<Object> done) override;
  void Patch(PatchRequest request, Completion<Object> done) override;
  void Delete(DeleteRequest request, Completion<Object> done) override;
  std::unique_ptr<WatchHandle> Watch(WatchRequest request,
                                     std::shared_ptr<WatchSink> sink) override;

 private:
  class Relay;
  class Handle;
  template <typename T>
  using Perform = std::function<void(KubeClient&, Completion<T>)>;

  template <typename T>
  void Call(bool is_write, Perform<T> perform, Completion<T> done);
  template <typename T>
  void Arrive(bool is_write, const Perform<T>& perform, Completion<T> done);
  void Write(const ObjectKey& key, bool deletes, Perform<Object> perform, Completion<Object> done);
  Duration Delay();
  /// When a process that stands still reads what comes now: after it goes on, one connection after
  /// the other. 0: it does not stand still.
  SimTime ReadAfterStop();

  World world_;
  apiserver::Identity identity_;
  fakes::SeededRandom random_;
  std::shared_ptr<bool> alive_;  // With everything that is on its way.
};

}  // namespace midwatch::sim
