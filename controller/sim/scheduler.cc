#include "controller/sim/scheduler.h"

#include <algorithm>
#include <utility>

#include "controller/base/check.h"

namespace midwatch::sim {
namespace {

std::uint64_t HashOf(const std::string& name) {
  Trace trace;
  trace.Mix(std::string_view(name));
  return trace.hash();
}

}  // namespace

Scheduler::Seat::Seat(Scheduler& scheduler, std::string name, const SimClock& clock)
    : scheduler_(scheduler),
      name_(std::move(name)),
      name_hash_(HashOf(name_)),
      clock_(clock),
      id_(scheduler.next_seat_++) {
  scheduler_.seats_.emplace(id_, this);
}

Scheduler::Seat::~Seat() {
  scheduler_.TakeOut(*this);
  scheduler_.seats_.erase(id_);
}

void Scheduler::Seat::Put(Actor& actor) {
  actor_ = &actor;
  Wake();
}

void Scheduler::Seat::Wake() {
  woken_ = true;
  if (actor_ != nullptr && !frozen_) {
    scheduler_.MakeReady(*this);
  }
}

void Scheduler::Seat::Freeze(bool frozen) {
  frozen_ = frozen;
  if (frozen) {
    scheduler_.TakeOut(*this);
  } else {
    Wake();
  }
}

void Scheduler::At(SimTime time, std::function<void()> action) {
  due_.push_back({std::max(time, now_), next_order_++, 0, std::move(action)});
  std::push_heap(due_.begin(), due_.end(), Later());
}

bool Scheduler::RunOne(SimTime end) {
  if (!due_.empty() && due_.front().at <= now_) {
    RunDue();
    return true;
  }
  if (!ready_.empty()) {
    StepOne();
    return true;
  }
  if (due_.empty() || due_.front().at > end) {
    now_ = std::max(now_, end);
    return false;
  }
  now_ = due_.front().at;
  RunDue();
  return true;
}

void Scheduler::RunDue() {
  std::pop_heap(due_.begin(), due_.end(), Later());
  const Due due = std::move(due_.back());
  due_.pop_back();
  if (due.seat == 0) {
    trace_.Mix(due.order);
    CountStep();
    due.action();
    return;
  }
  const auto found = seats_.find(due.seat);
  if (found == seats_.end() || found->second->wakes_at_ != due.at) {
    return;  // The actor is gone, or wanted to wake at another time since.
  }
  found->second->wakes_at_ = INT64_MAX;
  found->second->Wake();
}

void Scheduler::StepOne() {
  Seat& seat = *ready_[random_.Below(ready_.size())];
  const std::uint64_t id = seat.id_;
  seat.woken_ = false;
  last_actor_ = seat.name_;
  const bool did = seat.actor_->Step(seat.clock_.Read());
  trace_.Mix(seat.name_hash_ + (did ? 1 : 0));
  trace_.Mix(static_cast<std::uint64_t>(now_));
  CountStep();
  now_ += 1 + static_cast<SimTime>(random_.Below(8));
  // A step may have crashed its own process.
  const auto still = seats_.find(id);
  if (still == seats_.end() || did || seat.woken_) {
    return;
  }
  TakeOut(seat);
  if (const std::optional<MonoTime> next = seat.actor_->NextWake()) {
    const SimTime at = std::max(seat.clock_.WhenMono(*next), now_);
    if (at < seat.wakes_at_) {
      seat.wakes_at_ = at;
      due_.push_back({at, next_order_++, id, {}});
      std::push_heap(due_.begin(), due_.end(), Later());
    }
  }
}

void Scheduler::CountStep() {
  ++steps_;
  constexpr SimTime kSecond = 1'000'000;
  if (now_ / kSecond != second_) {
    second_ = now_ / kSecond;
    steps_in_second_ = 0;
  }
  if (++steps_in_second_ > kMaxStepsAtOnce) {
    livelocked_ = true;
  }
}

void Scheduler::MakeReady(Seat& seat) {
  if (seat.ready_at_ == SIZE_MAX) {
    seat.ready_at_ = ready_.size();
    ready_.push_back(&seat);
  }
}

void Scheduler::TakeOut(Seat& seat) {
  if (seat.ready_at_ == SIZE_MAX) {
    return;
  }
  ready_.back()->ready_at_ = seat.ready_at_;
  ready_[seat.ready_at_] = ready_.back();
  ready_.pop_back();
  seat.ready_at_ = SIZE_MAX;
}

}  // namespace midwatch::sim
