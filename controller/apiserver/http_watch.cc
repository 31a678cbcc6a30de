#include "controller/apiserver/http_watch.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "controller/apiserver/http_status.h"
#include "controller/base/encoding.h"
#include "controller/object/stored_bytes.h"

namespace midwatch::apiserver {
namespace {

/// Between half and all of the longest, another time at each call.
std::int64_t SpreadSeconds(std::int64_t longest) {
  static std::atomic<std::uint32_t> count = 0;
  const std::int64_t half = longest / 2;
  return half + static_cast<std::int64_t>(count.fetch_add(1) * 2'654'435'761U) % (half + 1);
}

std::string_view NameOf(WatchEventType type) {
  switch (type) {
    case WatchEventType::kAdded:
      return "ADDED";
    case WatchEventType::kModified:
      return "MODIFIED";
    case WatchEventType::kDeleted:
      return "DELETED";
    case WatchEventType::kBookmark:
      return "BOOKMARK";
  }
  return "ERROR";
}

std::string LineOf(std::string_view type, std::string_view object) {
  std::string line;
  line.reserve(object.size() + 40);
  line += R"({"type":")";
  line += type;
  line += R"(","object":)";
  line += object;
  line += "}\n";
  return line;
}

}  // namespace

HttpWatch::HttpWatch(WatchForm form, const Clock& clock)
    : form_(std::move(form)), clock_(clock), in_state_(form_.initial_events && form_.bookmarks) {}

std::string HttpWatch::BookmarkLine(const WatchEvent& event) {
  const ResourceInfo& resource = *form_.table.resource;
  const bool partial = form_.accepted.form == Form::kPartial;
  const std::string kind = partial ? "PartialObjectMetadata" : resource.type.kind;
  const std::string version = partial ? form_.accepted.api_version : resource.type.ApiVersion();
  Json metadata =
      Json::Of({{"resourceVersion", event.resource_version}, {"creationTimestamp", nullptr}});
  if (std::exchange(in_state_, false)) {
    // client-go before 0.35 wants to know what an empty list would look like.
    const Json blueprint = Json::Of({{"kind", partial ? kind + "List" : resource.list_kind},
                                     {"apiVersion", version},
                                     {"metadata", Json::EmptyObject()},
                                     {"items", Json::EmptyArray()}});
    metadata.Set("annotations", Json::Of({{"k8s.io/initial-events-end", "true"},
                                          {"kubernetes.io/initial-events-list-blueprint",
                                           Base64Encode(blueprint.Dump() + "\n")}}));
  }
  const Json object =
      Json::Of({{"kind", kind}, {"apiVersion", version}, {"metadata", std::move(metadata)}});
  return LineOf("BOOKMARK", object.Dump());
}

std::string HttpWatch::Line(const WatchEvent& event) {
  Object object = event.object;
  if (object.resource_version() != event.resource_version) {
    // What is deleted, or stops matching, is shown with the version of that change.
    auto moved = Object::Parse(WithResourceVersion(object.bytes(), event.resource_version));
    if (moved) {
      object = *std::move(moved);
    }
  }
  const std::string_view type = NameOf(event.type);
  switch (form_.accepted.form) {
    case Form::kTable:
      return LineOf(type, MakeTable(form_.table, {event.resource_version}, {object},
                                    clock_.Read().wall, !std::exchange(columns_sent_, true)));
    case Form::kPartial:
      return LineOf(type, MakePartial(object, form_.accepted.api_version));
    case Form::kObject:
      break;
  }
  return LineOf(type, object.bytes());
}

void HttpWatch::OnEvent(const WatchEvent& event) {
  if (event.type != WatchEventType::kBookmark) {
    Send(Line(event));
    return;
  }
  if (!form_.bookmarks || form_.accepted.form == Form::kTable) {
    return;
  }
  Send(BookmarkLine(event));
}

bool HttpWatch::HasRoom(const std::function<void()>& again) {
  std::shared_ptr<HttpStream> stream;
  {
    const std::lock_guard lock(mutex_);
    if (stream_ == nullptr) {
      on_open_ = again;
      return false;
    }
    stream = stream_;
  }
  return stream->HasRoom(again);
}

void HttpWatch::Send(std::string line) {
  std::shared_ptr<HttpStream> stream;
  {
    const std::lock_guard lock(mutex_);
    if (stream_ == nullptr) {
      waiting_ += line;
      return;
    }
    stream = stream_;
  }
  stream->Write(std::move(line));
}

void HttpWatch::OnEnd(const Error& why) {
  if (why.code == ErrorCode::kExpired) {
    std::string status = StatusBody(why);
    status.pop_back();
    Send(LineOf("ERROR", status));
  }
  Finish();
}

void HttpWatch::Attach(std::shared_ptr<HttpStream> stream, std::unique_ptr<WatchHandle> handle) {
  std::unique_lock lock(mutex_);
  stream_ = std::move(stream);
  if (closed_) {
    lock.unlock();
    return;  // The handle ends here, without the lock: ending waits for a call that may want it.
  }
  handle_ = std::move(handle);
  if (!waiting_.empty()) {
    stream_->Write(std::exchange(waiting_, {}));
  }
  if (ended_) {
    stream_->End();
  }
  const auto opened = std::exchange(on_open_, nullptr);
  lock.unlock();
  if (opened) {
    opened();
  }
}

void HttpWatch::Closed() {
  std::unique_ptr<WatchHandle> handle;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    handle = std::move(handle_);
  }
}

void HttpWatch::Finish() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  if (stream_ != nullptr) {
    stream_->End();
  }
}

WatchDeadlines::Ticket WatchDeadlines::Add(std::weak_ptr<HttpWatch> watch, Duration timeout) {
  Ticket ticket;
  {
    const std::lock_guard lock(mutex_);
    ticket = {clock_.Read().mono + timeout, next_++};
    entries_.emplace(ticket, std::move(watch));
  }
  waker_.Wake();
  return ticket;
}

void WatchDeadlines::Remove(const Ticket& ticket) {
  const std::lock_guard lock(mutex_);
  entries_.erase(ticket);
}

bool WatchDeadlines::Step(Now now) {
  std::weak_ptr<HttpWatch> due;
  {
    const std::lock_guard lock(mutex_);
    if (entries_.empty() || entries_.begin()->first.first > now.mono) {
      return false;
    }
    due = std::move(entries_.begin()->second);
    entries_.erase(entries_.begin());
  }
  if (const auto watch = due.lock()) {
    watch->Finish();
  }
  return true;
}

std::optional<MonoTime> WatchDeadlines::NextWake() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty() ? std::nullopt : std::optional(entries_.begin()->first.first);
}

Result<Duration> ReadWatchTimeout(const HttpExchange& exchange) {
  constexpr std::int64_t kUnlessAsked = 3600;  // As kube-apiserver: half an hour to an hour,
  constexpr std::int64_t kMost = 24 * 3600;    // and not for ever.
  constexpr std::int64_t kMostOfAgent = 300;
  MIDWATCH_ASSIGN(const std::int64_t asked, exchange.query.Number("timeoutSeconds"));
  if (exchange.identity.kind == Identity::Kind::kAgent) {  // Which asks for more.
    const std::int64_t most = SpreadSeconds(kMostOfAgent);
    return std::chrono::seconds(asked == 0 ? most : std::min(asked, most));
  }
  return std::chrono::seconds(asked == 0 ? SpreadSeconds(kUnlessAsked) : std::min(asked, kMost));
}

Result<void> OpenWatch(HttpResponder& responder, const std::shared_ptr<HttpWatch>& watch,
                       std::unique_ptr<WatchHandle> handle, WatchDeadlines& deadlines,
                       Duration timeout) {
  const WatchDeadlines::Ticket ticket = deadlines.Add(watch, timeout);
  auto stream = responder.Stream(JsonAnswer(200, {}), [watch, &deadlines, ticket] {
    deadlines.Remove(ticket);
    watch->Closed();
  });
  if (stream == nullptr) {
    deadlines.Remove(ticket);
    return Fail(ErrorCode::kTooManyRequests,
                "too many watches of this user at once, please try again later");
  }
  watch->Attach(std::move(stream), std::move(handle));
  return {};
}

}  // namespace midwatch::apiserver
