#include "controller/apiserver/watch_hub.h"

#include <algorithm>

#include "controller/apiserver/status_errors.h"
#include "controller/object/stored_bytes.h"

namespace midwatch::apiserver {
namespace {

WatchEvent EventFor(WatchEventType type, Object object, std::int64_t revision) {
  return {.type = type, .object = std::move(object), .resource_version = std::to_string(revision)};
}

Error TooOld(std::int64_t asked, std::int64_t compacted) {
  return {ErrorCode::kExpired, "too old resource version: " + std::to_string(asked) + " (" +
                                   std::to_string(compacted) + ")"};
}

/// What the client has seen is no more, as when the database was restored from a backup: waiting
/// would skip what is written up to there, so it must list again.
Error NotReached(std::int64_t asked, std::int64_t current) {
  return {ErrorCode::kExpired, "too large resource version: " + std::to_string(asked) +
                                   ", current: " + std::to_string(current)};
}

/// An object is not in the selection now, and nobody knows whether it was: it is told as gone, by
/// its name alone, since who watches may not be meant to see the rest.
std::optional<WatchEvent> GoneUnseen(const Change& change, const Selection& selection) {
  const ObjectKey& key = change.after->key();
  if (!selection.namespace_name.empty() && key.namespace_name != selection.namespace_name) {
    return std::nullopt;
  }
  const std::int64_t revision = change.after->revision();
  const Object& object = change.after->object();
  ObjectMeta meta;
  meta.name = key.name;
  meta.namespace_name = key.namespace_name;
  meta.uid = object.uid();
  meta.resource_version = std::to_string(revision);
  const Json body = Json::Of(
      {{"apiVersion", object.api_version()}, {"kind", object.kind()}, {"metadata", ToJson(meta)}});
  return EventFor(WatchEventType::kDeleted, Object::FromStored(body.Dump()), revision);
}

}  // namespace

std::optional<WatchEvent> EventOf(const Change& change, const Selection& selection) {
  const std::int64_t revision = change.after->revision();
  const bool is = !change.deleted && selection.Matches(*change.after);
  if (!change.before_known) {
    if (is) {
      return EventFor(WatchEventType::kModified, change.after->object(), revision);
    }
    return change.deleted || selection.HasSelectors() ? GoneUnseen(change, selection)
                                                      : std::nullopt;
  }
  const bool was = change.before != nullptr && selection.Matches(*change.before);
  if (is) {
    return EventFor(was ? WatchEventType::kModified : WatchEventType::kAdded,
                    change.after->object(), revision);
  }
  if (!was) {
    return std::nullopt;
  }
  if (change.deleted) {
    return EventFor(WatchEventType::kDeleted, change.after->object(), revision);
  }
  // It has left the selection: as it was inside, with the version of the change.
  const std::string& bytes = change.before->object().bytes();
  return EventFor(WatchEventType::kDeleted,
                  Object::FromStored(WithResourceVersion(bytes, std::to_string(revision))),
                  revision);
}

class WatchHub::Handle final : public WatchHandle {
 public:
  Handle(StatePtr watch, std::shared_ptr<std::atomic<std::size_t>> count,
         std::shared_ptr<Inbox<StatePtr>> arrived)
      : watch_(std::move(watch)), count_(std::move(count)), arrived_(std::move(arrived)) {}
  ~Handle() override {
    {
      const std::scoped_lock lock(watch_->calls);
      watch_->ended = true;
      watch_->sink = nullptr;
      --*count_;
    }
    arrived_->Push(nullptr);  // The hub forgets it.
  }

  bool RequestProgress(std::uint64_t number) override {
    watch_->progress_asked = number;
    return arrived_->Push(nullptr);
  }

 private:
  const StatePtr watch_;
  const std::shared_ptr<std::atomic<std::size_t>> count_;
  const std::shared_ptr<Inbox<StatePtr>> arrived_;  // To wake the hub.
};

WatchHub::WatchHub(const DurableState& state, Waker& waker, Duration bookmark_interval,
                   std::size_t max_watches)
    : state_(state),
      bookmark_interval_(bookmark_interval),
      max_watches_(max_watches),
      arrived_(std::make_shared<Inbox<StatePtr>>(waker)),
      wake_([arrived = arrived_] { arrived->Push(nullptr); }),
      count_(std::make_shared<std::atomic<std::size_t>>(0)) {}

WatchHub::~WatchHub() { arrived_->Close(); }

Result<std::unique_ptr<WatchHandle>> WatchHub::Start(const WatchCall& call, Selection selection,
                                                     std::shared_ptr<WatchSink> sink) {
  auto watch = std::make_shared<WatchState>();
  watch->resource = call.target.resource;
  watch->sink = std::move(sink);
  watch->bookmarks = call.bookmarks;
  watch->ends_initial = call.send_initial_events;
  std::int64_t from = 0;
  if (!call.resource_version.empty()) {
    MIDWATCH_ASSIGN(from, ParseVersion(call.resource_version));
  }
  if (const std::int64_t current = state_.Revision(); from > current) {
    return Fail(call.send_initial_events ? TooLargeVersionError(from, current)
                                         : NotReached(from, current));
  }
  if (from == 0 || call.send_initial_events) {
    ListAnswer now = state_.Snapshot(*call.target.resource, selection);
    watch->initial = std::move(now.items);
    from = now.revision;
  } else if (const std::int64_t compacted = state_.Compacted(); from < compacted) {
    return Fail(TooOld(from, compacted));
  }
  watch->cursor = from;
  watch->selection = std::move(selection);
  if (count_->fetch_add(1) >= max_watches_) {
    --*count_;
    return Fail(ErrorCode::kTooManyRequests,
                "too many watches: at most " + std::to_string(max_watches_));
  }
  auto handle = std::make_unique<Handle>(watch, count_, arrived_);
  arrived_->Push(std::move(watch));
  return handle;
}

bool WatchHub::Behind(const WatchState& watch) const {
  return watch.ended || watch.initial_sent < watch.initial.size() || watch.ends_initial ||
         watch.cursor < state_.log().Newest() || watch.progress_told < watch.progress_asked;
}

bool WatchHub::Step(Now now) {
  ended_.clear();
  while (auto watch = arrived_->Take()) {
    settled_ = -1;
    if (*watch != nullptr) {
      (*watch)->next_bookmark = now.mono + bookmark_interval_;
      watches_.push_back(*std::move(watch));
    }
  }
  const std::int64_t newest = state_.log().Newest();
  if (settled_ == newest && (!bookmark_due_ || now.mono < *bookmark_due_)) {
    return false;
  }
  for (std::size_t looked = 0; looked < watches_.size(); ++looked) {
    next_ = next_ + 1 < watches_.size() ? next_ + 1 : 0;
    WatchState& watch = *watches_[next_];
    if ((Behind(watch) || (watch.bookmarks && watch.next_bookmark <= now.mono)) &&
        Deliver(watch, now)) {
      return true;
    }
  }
  settled_ = newest;
  bookmark_due_ = NextWake();
  return false;
}

/// True if something was sent or the watch is over. One whose sink has no room waits until it has.
bool WatchHub::Deliver(WatchState& watch, Now now) {
  const std::scoped_lock lock(watch.calls);
  const std::shared_ptr<WatchSink> sink = watch.sink;  // It may end its own watch.
  if (!watch.ended && !sink->HasRoom(wake_)) {
    // A bookmark that is due waits too: nothing is to be woken for.
    watch.next_bookmark = std::max(watch.next_bookmark, now.mono + bookmark_interval_);
    return false;
  }
  bool sent = true;
  if (watch.ended) {
    // Dropped below.
  } else if (watch.initial_sent < watch.initial.size()) {
    SendInitial(watch, *sink);
  } else if (watch.ends_initial) {
    watch.ends_initial = false;
    SendBookmark(watch, *sink, now);
  } else if (watch.cursor < state_.log().Newest() && SendChanges(watch, *sink, now)) {
    // There may be more.
  } else if (watch.progress_told < watch.progress_asked ||
             (watch.bookmarks && watch.next_bookmark <= now.mono)) {
    SendBookmark(watch, *sink, now);
  } else {
    sent = false;
  }
  if (watch.ended) {
    ended_.push_back(watches_[next_]);  // Kept alive beyond the lock.
    watches_[next_] = watches_.back();
    watches_.pop_back();
  }
  return sent;
}

void WatchHub::SendInitial(WatchState& watch, WatchSink& sink) {
  const std::size_t end = std::min(watch.initial.size(), watch.initial_sent + kSlice);
  while (watch.initial_sent < end && !watch.ended) {
    const VersionPtr version = watch.initial[watch.initial_sent++];
    sink.OnEvent(EventFor(WatchEventType::kAdded, version->object(), version->revision()));
    if (!sink.HasRoom(wake_)) {
      break;
    }
  }
  if (watch.initial_sent == watch.initial.size()) {
    watch.initial = {};
    watch.initial_sent = 0;
  }
}

bool WatchHub::SendChanges(WatchState& watch, WatchSink& sink, Now now) {
  const ChangeLog& log = state_.log();
  if (watch.cursor < log.Compacted()) {
    watch.ended = true;
    sink.OnEnd(TooOld(watch.cursor, log.Compacted()));
    return true;
  }
  std::size_t sent = 0;
  while (watch.cursor < log.Newest() && sent < kSlice && !watch.ended) {
    const Change& change = log.At(++watch.cursor);
    if (&change.after->resource() != watch.resource) {
      continue;
    }
    if (const auto event = EventOf(change, watch.selection)) {
      ++sent;
      watch.next_bookmark = now.mono + bookmark_interval_;
      sink.OnEvent(*event);
      if (!sink.HasRoom(wake_)) {
        break;
      }
    }
  }
  return sent > 0 || watch.ended;
}

void WatchHub::SendBookmark(WatchState& watch, WatchSink& sink, Now now) {
  watch.next_bookmark = now.mono + bookmark_interval_;
  WatchEvent bookmark = EventFor(WatchEventType::kBookmark, Object(), watch.cursor);
  if (const std::uint64_t asked = watch.progress_asked; watch.progress_told < asked) {
    bookmark.progress = watch.progress_told = asked;
  }
  sink.OnEvent(bookmark);
}

bool WatchHub::Idle() const {
  return !arrived_->HasItem() &&
         std::none_of(watches_.begin(), watches_.end(),
                      [this](const StatePtr& watch) { return Behind(*watch); });
}

std::optional<MonoTime> WatchHub::NextWake() const {
  std::optional<MonoTime> next;
  for (const StatePtr& watch : watches_) {
    if (watch->bookmarks && (!next || watch->next_bookmark < *next)) {
      next = watch->next_bookmark;
    }
  }
  return next;
}

}  // namespace midwatch::apiserver
