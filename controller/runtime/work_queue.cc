#include "controller/runtime/work_queue.h"

#include <algorithm>

#include "controller/base/check.h"

namespace midwatch {

void WorkQueue::Add(const ObjectKey& key, MonoTime now, QueueLane lane) {
  MakeReady(NodeOf(key), now, lane);
}

void WorkQueue::AddAt(const ObjectKey& key, MonoTime due) {
  Node& node = NodeOf(key);
  Entry& entry = node.second;
  if (entry.due && entry.due->first <= due) {
    return;
  }
  ClearDue(node);
  entry.due = {due, next_ticket_++};
  delayed_.insert({due, entry.due->second, &node});
}

void WorkQueue::AddRateLimited(const ObjectKey& key, MonoTime now) {
  Entry& entry = NodeOf(key).second;
  constexpr int kMaxDoublings = 30;
  const Duration delay =
      limits_.base * (std::int64_t{1} << std::min(entry.failures, kMaxDoublings));
  ++entry.failures;
  AddAt(key, now + std::min(delay, limits_.limit));
}

void WorkQueue::Forget(const ObjectKey& key) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    found->second.failures = 0;
    DropIfIdle(*found);
  }
}

int WorkQueue::Failures(const ObjectKey& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? 0 : found->second.failures;
}

std::optional<WorkQueue::Taken> WorkQueue::Take(MonoTime now) {
  ReleaseDue(now);
  for (std::deque<Place>& lane : lanes_) {
    while (!lane.empty()) {
      const Place place = lane.front();
      lane.pop_front();
      Node& node = *place.node;
      Entry& entry = node.second;
      --entry.places;
      if (entry.ticket != place.ticket) {
        DropIfIdle(node);
        continue;
      }
      Taken taken{node.first, *entry.lane, entry.queued, entry.failures};
      entry.ticket = 0;
      entry.lane.reset();
      entry.processing = true;
      ClearDue(node);
      --ready_;
      return taken;
    }
  }
  return std::nullopt;
}

void WorkQueue::Done(const ObjectKey& key, MonoTime now) {
  const auto found = entries_.find(key);
  MIDWATCH_CHECK(found != entries_.end() && found->second.processing);
  Entry& entry = found->second;
  entry.processing = false;
  if (entry.lane) {
    entry.queued = now;
    PushPlace(*found);
  } else {
    DropIfIdle(*found);
  }
}

bool WorkQueue::HasReady(MonoTime now) const {
  if (ready_ > 0) {
    return true;
  }
  return std::any_of(delayed_.begin(), delayed_.upper_bound({now, UINT64_MAX, nullptr}),
                     [](const Delayed& delayed) { return !delayed.node->second.processing; });
}

void WorkQueue::ReleaseWaiting(MonoTime now) {
  for (auto at = delayed_.begin(); at != delayed_.end();) {
    Node& node = *at++->node;  // ClearDue removes it.
    if (node.second.failures == 0) {
      ClearDue(node);
      MakeReady(node, now, QueueLane::kNormal);
    }
  }
}

std::optional<MonoTime> WorkQueue::NextDue() const {
  return delayed_.empty() ? std::nullopt : std::optional(delayed_.begin()->due);
}

void WorkQueue::MakeReady(Node& node, MonoTime since, QueueLane lane) {
  Entry& entry = node.second;
  if (entry.lane && *entry.lane <= lane) {
    return;
  }
  const bool was_ready = entry.ticket != 0;
  if (!entry.lane) {
    entry.queued = since;
  }
  entry.lane = lane;
  if (entry.processing) {
    return;  // Done gives it its place.
  }
  if (was_ready) {
    --ready_;
  }
  PushPlace(node);
}

void WorkQueue::PushPlace(Node& node) {
  Entry& entry = node.second;
  entry.ticket = next_ticket_++;
  ++entry.places;
  ++ready_;
  lanes_.at(static_cast<std::size_t>(*entry.lane)).push_back({&node, entry.ticket});
}

void WorkQueue::ClearDue(Node& node) {
  if (node.second.due) {
    delayed_.erase({node.second.due->first, node.second.due->second, &node});
    node.second.due.reset();
  }
}

void WorkQueue::ReleaseDue(MonoTime now) {
  while (!delayed_.empty() && delayed_.begin()->due <= now) {
    Node& node = *delayed_.begin()->node;
    const MonoTime due = delayed_.begin()->due;
    ClearDue(node);
    MakeReady(node, due, QueueLane::kNormal);
  }
}

void WorkQueue::DropIfIdle(Node& node) {
  const Entry& entry = node.second;
  if (!entry.lane && !entry.processing && !entry.due && entry.failures == 0 && entry.places == 0) {
    entries_.erase(entries_.find(node.first));
  }
}

}  // namespace midwatch
