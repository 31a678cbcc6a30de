#include "controller/cli/live_list.h"

#include <utility>

namespace midwatch::cli {
namespace {

constexpr Duration kBetweenLists = std::chrono::seconds(1);

}  // namespace

class LiveList::Sink final : public WatchSink {
 public:
  explicit Sink(Waker& waker) : waker_(waker) {}

  void OnEvent(const WatchEvent& event) override {
    {
      const std::scoped_lock lock(mutex_);
      events_.push_back(event);
    }
    waker_.Wake();
  }
  void OnEnd(const Error&) override {
    {
      const std::scoped_lock lock(mutex_);
      ended_ = true;
    }
    waker_.Wake();
  }

  std::deque<WatchEvent> Take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(events_, {});
  }
  bool ended() const {
    const std::scoped_lock lock(mutex_);
    return ended_;
  }

 private:
  Waker& waker_;
  mutable std::mutex mutex_;
  std::deque<WatchEvent> events_;
  bool ended_ = false;
};

LiveList::LiveList(Context& context, ApiSession& session, ListRequest what)
    : context_(context), session_(session), what_(std::move(what)) {}

Result<void> LiveList::Refresh() {
  if (sink_ != nullptr) {
    Take();
    if (!sink_->ended()) {
      return {};
    }
    watch_.reset();
    sink_.reset();
  }
  const MonoTime now = context_.Time().mono;
  if (listed_at_ && now < *listed_at_ + kBetweenLists) {
    return {};
  }
  listed_at_ = now;
  return ListAgain();
}

Result<void> LiveList::ListAgain() {
  std::map<ObjectKey, Object> listed;
  ListRequest request = what_;
  std::string version;
  do {
    MIDWATCH_ASSIGN(const ListResponse page, session_.ListPage(request));
    for (const Object& object : page.items) {
      listed.emplace(KeyOf(what_.type, object), object);
    }
    request.continue_token = page.continue_token;
    version = page.resource_version;
  } while (!request.continue_token.empty());
  objects_ = std::move(listed);
  sink_ = std::make_shared<Sink>(context_.world.waiter);
  watch_ = session_.connection().kube->Watch({.type = what_.type,
                                              .namespace_name = what_.namespace_name,
                                              .label_selector = what_.label_selector,
                                              .field_selector = what_.field_selector,
                                              .resource_version = version},
                                             sink_);
  Take();
  return {};
}

void LiveList::Take() {
  for (const WatchEvent& event : sink_->Take()) {
    if (!event.object) {
      continue;
    }
    const ObjectKey key = KeyOf(what_.type, event.object);
    if (event.type == WatchEventType::kDeleted) {
      objects_.erase(key);
    } else {
      objects_.insert_or_assign(key, event.object);
    }
  }
}

}  // namespace midwatch::cli
