#include "controller/runtime/informer.h"

#include <algorithm>
#include <utility>

namespace midwatch {

/// Hands the calls of one watch to the inbox, up to the bound; the thread that takes them is
/// another.
class Informer::Sink final : public WatchSink {
 public:
  Sink(std::shared_ptr<Inbox<Item>> inbox, std::uint64_t epoch)
      : inbox_(std::move(inbox)), epoch_(epoch) {}

  void OnEvent(const WatchEvent& event) override {
    if (queued_.load(std::memory_order_relaxed) >= kMaxQueuedEvents) {
      if (!overflowed_.exchange(true)) {
        inbox_->Push(End{epoch_, {ErrorCode::kTooManyRequests, "too many events are queued"}});
      }
      return;
    }
    queued_.fetch_add(1, std::memory_order_relaxed);
    inbox_->Push(Event{epoch_, event});
  }
  void OnEnd(const Error& why) override {
    if (!overflowed_) {
      inbox_->Push(End{epoch_, why});
    }
  }
  void Took() { queued_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::shared_ptr<Inbox<Item>> inbox_;  // With the informer.
  std::uint64_t epoch_;
  std::atomic<std::size_t> queued_ = 0;
  std::atomic<bool> overflowed_ = false;
};

Informer::Informer(Ports ports, Index& index, InformerScope scope)
    : ports_(ports),
      index_(index),
      scope_(std::move(scope)),
      inbox_(std::make_shared<Inbox<Item>>(ports.waker)) {}

Informer::~Informer() { inbox_->Close(); }

bool Informer::Step(Now now) {
  while (std::optional<Item> item = inbox_->Take()) {
    const std::uint64_t epoch = std::visit([](const auto& it) { return it.epoch; }, *item);
    if (epoch != epoch_) {
      continue;  // Of a request that was given up.
    }
    if (auto* answer = std::get_if<ListAnswer>(&*item)) {
      TakePage(std::move(answer->page), now);
    } else if (auto* event = std::get_if<Event>(&*item)) {
      sink_->Took();
      TakeEvent(event->event, now);
    } else {
      TakeEnd(std::get<End>(*item).why, now);
    }
    return true;
  }
  return Advance(now);
}

bool Informer::Advance(Now now) {
  switch (state_) {
    case State::kListing:
      return false;
    case State::kWatching:
      if (wanted_ == promised_ && !list_again_) {
        return false;
      }
      if (!list_again_ && watch_->RequestProgress(wanted_)) {
        promised_ = wanted_;
      } else {
        Restart(State::kListDue);
      }
      return true;
    case State::kBackoff:
      if (now.mono < retry_at_) {
        return false;
      }
      state_ = wanted_ != promised_ ? State::kListDue : after_backoff_;
      return true;
    case State::kListDue:
      listed_.clear();
      continue_token_.clear();
      promised_ = wanted_;
      list_again_ = false;
      AskForPage();
      return true;
    case State::kWatchDue:
      if (wanted_ != promised_) {
        state_ = State::kListDue;
      } else {
        OpenWatch(now);
      }
      return true;
  }
  return false;
}

std::optional<MonoTime> Informer::NextWake() const {
  return state_ == State::kBackoff ? std::optional(retry_at_) : std::nullopt;
}

std::uint64_t Informer::Refresh() { return ++wanted_; }

void Informer::AskForPage() {
  state_ = State::kListing;
  ++epoch_;
  ListRequest request;
  request.type = index_.type();
  request.namespace_name = scope_.namespace_name;
  request.label_selector = scope_.label_selector;
  request.field_selector = scope_.field_selector;
  request.limit = kPageSize;
  request.continue_token = continue_token_;
  ports_.client.List(std::move(request),
                     [inbox = inbox_, epoch = epoch_](Result<ListResponse> page) {
                       inbox->Push(ListAnswer{epoch, std::move(page)});
                     });
}

void Informer::TakePage(Result<ListResponse> page, Now now) {
  if (!page) {
    listed_.clear();
    ports_.log.Warn("list failed",
                    {{"resource", index_.type().Resource()}, {"error", page.error().message}});
    Relist(page.error(), now);
    return;
  }
  std::move(page->items.begin(), page->items.end(), std::back_inserter(listed_));
  if (!page->continue_token.empty()) {
    continue_token_ = std::move(page->continue_token);
    AskForPage();
    return;
  }
  FinishList(VersionNumber(page->resource_version), now);
}

void Informer::FinishList(std::int64_t version, Now now) {
  if (version < index_.fresh_to()) {
    ++older_lists_;
    ports_.log.Warn("list is older than what was seen",
                    {{"resource", index_.type().Resource()},
                     {"listed", std::to_string(version)},
                     {"seen", std::to_string(index_.fresh_to())}});
    if (older_lists_ < kMaxOlderLists) {
      listed_.clear();
      BackOff(State::kListDue, now);
      return;
    }
    index_.ForgetVersions();
  }
  older_lists_ = 0;
  index_.Replace(listed_, version, now);
  listed_ = {};
  version_ = version;
  refreshed_ = promised_;
  synced_ = true;
  ports_.metrics.Count("midwatch_informer_lists_total", {{"resource", index_.type().plural}});
  Restart(State::kWatchDue);
}

void Informer::OpenWatch(Now now) {
  state_ = State::kWatching;
  ++epoch_;
  watch_opened_ = now.mono;
  watch_brought_something_ = false;
  WatchRequest request;
  request.type = index_.type();
  request.namespace_name = scope_.namespace_name;
  request.label_selector = scope_.label_selector;
  request.field_selector = scope_.field_selector;
  request.resource_version = std::to_string(version_);
  sink_ = std::make_shared<Sink>(inbox_, epoch_);
  watch_ = ports_.client.Watch(std::move(request), sink_);
}

void Informer::TakeEvent(const WatchEvent& event, Now now) {
  const std::int64_t version = VersionNumber(event.resource_version);
  refreshed_ = std::max(refreshed_, event.progress);  // FreshTo is past it, or will be below.
  if (version <= version_) {
    return;  // A duplicate, or older than the list.
  }
  watch_brought_something_ = true;
  version_ = version;
  if (event.type == WatchEventType::kDeleted) {
    index_.Delete(event.object, version);
  } else if (event.type != WatchEventType::kBookmark) {
    index_.Upsert(event.object, now);
  }
  index_.MarkFresh(version);
}

void Informer::TakeEnd(const Error& why, Now now) {
  const bool healthy = watch_brought_something_ || now.mono - watch_opened_ >= kHealthyWatch;
  if (healthy) {
    failures_ = 0;
  }
  if (why.code == ErrorCode::kExpired) {
    Relist(why, now);
  } else if (healthy) {
    Restart(State::kWatchDue);
  } else {
    BackOff(State::kWatchDue, now);
  }
}

void Informer::Relist(const Error& why, Now now) {
  if (why.code == ErrorCode::kExpired && failures_ == 0) {
    ++failures_;
    Restart(State::kListDue);
  } else {
    BackOff(State::kListDue, now);
  }
}

void Informer::BackOff(State then, Now now) {
  constexpr int kMaxDoublings = 10;
  const Duration full = std::min<Duration>(
      kBackoffBase * (std::int64_t{1} << std::min(failures_, kMaxDoublings)), kBackoffLimit);
  ++failures_;
  // Between half and all of it, so that informers of one server do not return together.
  const auto half = static_cast<std::uint64_t>(full.count() / 2);
  retry_at_ = now.mono + Duration(static_cast<std::int64_t>(half + ports_.random.Below(half + 1)));
  Restart(State::kBackoff);
  after_backoff_ = then;
}

void Informer::Restart(State next) {
  ++epoch_;
  promised_ = refreshed_;  // What was asked of the request that is given up is asked again.
  watch_.reset();
  state_ = next;
}

}  // namespace midwatch
