#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "controller/env/actor.h"
#include "controller/sim/sim_clock.h"
#include "controller/sim/trace.h"
#include "controller/testing/seeded_random.h"

namespace midwatch::sim {

/// The only loop of the virtual world: one thread, one time, and the seed decides which of the
/// actors that have something to do steps next. When none has, time goes on to the next thing that
/// is due.
///
/// Every step costs a little time, so that a loop that never rests does not stop the clock; a world
/// that takes more than kMaxStepsAtOnce steps within a second of its time is livelocked.
class Scheduler {
 public:
  Scheduler(fakes::SeededRandom random, Trace& trace) : random_(random), trace_(trace) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  const SimTime& now() const { return now_; }

  /// Runs `action` at that time, or at once if it is past. Actions of one time run in the order of
  /// the calls.
  void At(SimTime time, std::function<void()> action);
  void After(Duration delay, std::function<void()> action) {
    At(now_ + delay.count(), std::move(action));
  }

  /// An actor's place in the world. Destroying it takes the actor out; waking it after that does
  /// nothing.
  class Seat final : public Waker {
   public:
    Seat(Scheduler& scheduler, std::string name, const SimClock& clock);
    ~Seat() override;
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

    /// From now on the actor is stepped. It outlives the seat.
    void Put(Actor& actor);
    void Wake() override;
    /// A frozen actor is not stepped: its machine is stopped, its handler is slow.
    void Freeze(bool frozen);

   private:
    friend class Scheduler;
    Scheduler& scheduler_;
    std::string name_;
    std::uint64_t name_hash_;
    const SimClock& clock_;
    Actor* actor_ = nullptr;
    bool frozen_ = false;
    bool woken_ = false;
    std::size_t ready_at_ = SIZE_MAX;  // In ready_; SIZE_MAX: not ready.
    SimTime wakes_at_ = INT64_MAX;     // The timer that counts.
    std::uint64_t id_;
  };

  /// Steps one actor, or runs what is due, or lets time pass. False: nothing is left before `end`,
  /// and it is `end` now.
  bool RunOne(SimTime end);

  std::uint64_t steps() const { return steps_; }
  bool livelocked() const { return livelocked_; }
  /// Name of the actor that stepped last.
  const std::string& last_actor() const { return last_actor_; }

  static constexpr std::uint64_t kMaxStepsAtOnce = 200'000;

 private:
  struct Due {
    SimTime at;
    std::uint64_t order;
    std::uint64_t seat;  // 0: an action.
    std::function<void()> action;
  };
  struct Later {
    bool operator()(const Due& a, const Due& b) const {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  void MakeReady(Seat& seat);
  void TakeOut(Seat& seat);
  void StepOne();
  void RunDue();
  void CountStep();

  fakes::SeededRandom random_;
  Trace& trace_;
  SimTime now_ = 0;
  std::map<std::uint64_t, Seat*> seats_;
  std::vector<Seat*> ready_;
  std::vector<Due> due_;  // A heap.
  std::uint64_t next_order_ = 1;
  std::uint64_t next_seat_ = 1;
  std::uint64_t steps_ = 0;
  std::uint64_t steps_in_second_ = 0;
  SimTime second_ = 0;
  bool livelocked_ = false;
  std::string last_actor_;
};

}  // namespace midwatch::sim
