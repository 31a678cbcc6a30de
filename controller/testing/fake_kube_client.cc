#include "controller/testing/fake_kube_client.h"

#include <utility>

#include "controller/base/check.h"
#include "controller/base/text.h"
#include "controller/object/patch.h"
#include "controller/object/selector.h"

namespace midwatch::fakes {
namespace {

std::int64_t NumberOf(const std::string& version) {
  return version.empty() ? 0 : std::strtoll(version.c_str(), nullptr, 10);
}

ObjectKey KeyOfBody(const ResourceType& type, const Json& body) {
  const Json& meta = body.At("metadata");
  return {type.Resource(), meta.At("namespace").AsString(), meta.At("name").AsString()};
}

Object Made(const Json& body) {
  Result<Object> object = Object::FromJson(body);
  MIDWATCH_CHECK(object.has_value());
  return *std::move(object);
}

std::string FieldText(const Json& body, std::string_view field) {
  const Json* at = &body;
  for (const std::string_view name : Split(field, '.')) {
    at = at == nullptr ? nullptr : at->Find(name);
  }
  if (at == nullptr) {
    return {};
  }
  return at->IsString() ? at->AsString() : at->Dump();
}

struct Filter {
  std::string namespace_name;
  LabelSelector labels;
  FieldSelector fields;

  bool Fits(const Object& object) const {
    if (!object || (!namespace_name.empty() && namespace_name != object.namespace_name()) ||
        !labels.Matches(object.meta().labels)) {
      return false;
    }
    if (fields.Empty()) {
      return true;
    }
    const Json body = object.Body();
    return fields.Matches([&](std::string_view field) { return FieldText(body, field); });
  }
};

Result<Filter> FilterOf(const std::string& namespace_name, const std::string& labels,
                        const std::string& fields) {
  Filter filter{namespace_name, {}, {}};
  MIDWATCH_ASSIGN(filter.labels, LabelSelector::Parse(labels));
  MIDWATCH_ASSIGN(filter.fields, FieldSelector::Parse(fields));
  return filter;
}

/// Everything but metadata and status: what makes a new generation.
Json SpecPart(Json body) {
  body.Erase("metadata");
  body.Erase("status");
  return body;
}

Result<void> CheckPreconditions(const Object& stored, std::string_view uid,
                                std::string_view version) {
  if (!uid.empty() && uid != stored.uid()) {
    return Fail(ErrorCode::kConflict, "metadata.uid: does not match");
  }
  if (!version.empty() && version != stored.resource_version()) {
    return Fail(ErrorCode::kConflict, "metadata.resourceVersion: the object has been modified");
  }
  return {};
}

}  // namespace

struct FakeKubeClient::Watcher {
  WatchRequest request;
  Filter filter;
  std::shared_ptr<WatchSink> sink;
  std::deque<WatchEvent> pending;
  std::optional<Error> end;
  bool ended = false;
};

class FakeKubeClient::Handle final : public WatchHandle {
 public:
  Handle(FakeKubeClient& client, std::shared_ptr<Watcher> watcher)
      : client_(client), watcher_(std::move(watcher)) {}
  ~Handle() override {
    const std::scoped_lock lock(client_.mutex_);
    watcher_->ended = true;
  }
  bool RequestProgress(std::uint64_t number) override {
    if (!client_.answers_progress_) {
      return false;
    }
    {
      const std::scoped_lock lock(client_.mutex_);
      const std::string version = std::to_string(client_.version_);
      watcher_->pending.push_back({WatchEventType::kBookmark, {}, version, number});
    }
    client_.DeliverEvents();
    return true;
  }

 private:
  FakeKubeClient& client_;
  std::shared_ptr<Watcher> watcher_;  // The client has a weak one.
};

std::optional<Failure> FakeKubeClient::TakeFailure(std::string_view verb,
                                                   std::string_view resource) {
  for (auto at = failures_.begin(); at != failures_.end(); ++at) {
    if ((at->verb.empty() || at->verb == verb) &&
        (at->resource.empty() || at->resource == resource)) {
      Failure found = *at;
      if (--at->times <= 0) {
        failures_.erase(at);
      }
      return found;
    }
  }
  return std::nullopt;
}

template <typename T>
void FakeKubeClient::Answer(std::string_view verb, const ObjectKey& key, Completion<T> done,
                            const std::function<Result<T>()>& perform) {
  Later later;
  {
    const std::scoped_lock lock(mutex_);
    calls_.push_back(std::string(verb) + " " + key.ToString());
    const std::optional<Failure> failure = TakeFailure(verb, key.resource);
    Result<T> result = Fail(ErrorCode::kInternal, "not performed");
    if (!failure || failure->happens) {
      result = perform();
    }
    if (failure) {
      result = Fail(failure->error);
    }
    later = [done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    };
    if (hold_answers_) {
      answers_.push_back(std::move(later));
      return;
    }
  }
  later();
  DeliverEvents();
}

void FakeKubeClient::Get(GetRequest request, Completion<Object> done) {
  const ObjectKey key{request.type.Resource(), request.namespace_name, request.name};
  Answer<Object>("get", key, std::move(done), [&]() -> Result<Object> {
    const auto found = objects_.find(key);
    if (found == objects_.end()) {
      return Fail(ErrorCode::kNotFound, key.ToString() + " not found");
    }
    return found->second;
  });
}

void FakeKubeClient::List(ListRequest request, Completion<ListResponse> done) {
  Answer<ListResponse>("list", {request.type.Resource(), request.namespace_name, ""},
                       std::move(done), [&] { return ListNow(request); });
}

Result<ListResponse> FakeKubeClient::ListNow(const ListRequest& request) const {
  MIDWATCH_ASSIGN(const Filter filter,
                  FilterOf(request.namespace_name, request.label_selector, request.field_selector));
  const Objects& objects = frozen_ ? *frozen_ : objects_;
  ListResponse response;
  response.resource_version = std::to_string(frozen_ ? frozen_version_ : version_);
  const std::string resource = request.type.Resource();
  for (const auto& [key, object] : objects) {
    if (key.resource != resource || !filter.Fits(object)) {
      continue;
    }
    const std::string position = key.namespace_name + "/" + key.name;
    if (!request.continue_token.empty() && position <= request.continue_token) {
      continue;
    }
    if (request.limit > 0 && static_cast<std::int64_t>(response.items.size()) == request.limit) {
      const Object& last = response.items.back();
      response.continue_token = last.namespace_name() + "/" + last.name();
      break;
    }
    response.items.push_back(object);
  }
  return response;
}

void FakeKubeClient::Create(CreateRequest request, Completion<Object> done) {
  const ObjectKey key = KeyOfBody(request.type, request.object);
  Answer<Object>("create", key, std::move(done),
                 [&] { return CreateNow(request.type, request.object); });
}

Result<Object> FakeKubeClient::CreateNow(const ResourceType& type, Json body) {
  const ObjectKey key = KeyOfBody(type, body);
  if (key.name.empty()) {
    return Fail(ErrorCode::kInvalid, "metadata.name: required");
  }
  if (objects_.contains(key)) {
    return Fail(ErrorCode::kAlreadyExists, key.ToString() + " already exists");
  }
  Json& meta = body["metadata"];
  meta.Set("uid", "fake-" + std::to_string(next_uid_++));
  meta.Set("generation", 1);
  meta.Set("creationTimestamp", FormatTime(clock_.Read().wall));
  return Commit(type, key, std::move(body), false);
}

void FakeKubeClient::Update(UpdateRequest request, Completion<Object> done) {
  const ObjectKey key = KeyOfBody(request.type, request.object);
  Answer<Object>("update", key, std::move(done),
                 [&] { return Replace(request.type, key, request.object, request.subresource); });
}

Result<Object> FakeKubeClient::Replace(const ResourceType& type, const ObjectKey& key, Json wanted,
                                       std::string_view subresource) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) {
    return Fail(ErrorCode::kNotFound, key.ToString() + " not found");
  }
  const Object& stored = found->second;
  const Json& asked = wanted.At("metadata");
  MIDWATCH_TRY(CheckPreconditions(stored, asked.At("uid").AsString(),
                                  asked.At("resourceVersion").AsString()));
  const Json before = stored.Body();
  Json body = subresource == "status" ? before : std::move(wanted);
  if (subresource == "status") {
    body.Set("status", wanted.At("status"));
  } else {
    body.Set("status", before.At("status"));
    if (before.At("status").IsNull()) {
      body.Erase("status");
    }
  }
  Json& meta = body["metadata"];
  for (const std::string_view kept :
       {"uid", "creationTimestamp", "generation", "resourceVersion", "deletionTimestamp"}) {
    if (before.At("metadata").Find(kept) != nullptr) {
      meta.Set(kept, before.At("metadata", kept));
    }
  }
  if (body == before) {
    return stored;
  }
  if (SpecPart(body) != SpecPart(before)) {
    meta.Set("generation", stored.meta().generation + 1);
  }
  const bool released = stored.meta().IsBeingDeleted() && meta.At("finalizers").Items().empty();
  return Commit(type, key, std::move(body), released);
}

void FakeKubeClient::Patch(PatchRequest request, Completion<Object> done) {
  const ObjectKey key{request.type.Resource(), request.namespace_name, request.name};
  Answer<Object>("patch", key, std::move(done), [&] { return PatchNow(request); });
}

Result<Object> FakeKubeClient::PatchNow(const PatchRequest& request) {
  const ObjectKey key{request.type.Resource(), request.namespace_name, request.name};
  const auto found = objects_.find(key);
  if (found == objects_.end()) {
    if (request.patch_type == PatchType::kApply) {
      return CreateNow(request.type, request.patch);
    }
    return Fail(ErrorCode::kNotFound, key.ToString() + " not found");
  }
  Json wanted = found->second.Body();
  if (request.patch_type == PatchType::kJson) {
    MIDWATCH_ASSIGN(wanted, ApplyJsonPatch(std::move(wanted), request.patch));
  } else {
    const Json& asked = request.patch.At("metadata");
    MIDWATCH_TRY(CheckPreconditions(found->second, asked.At("uid").AsString(),
                                    asked.At("resourceVersion").AsString()));
    wanted = ApplyMergePatch(std::move(wanted), request.patch);
  }
  return Replace(request.type, key, std::move(wanted), request.subresource);
}

void FakeKubeClient::Delete(DeleteRequest request, Completion<Object> done) {
  const ObjectKey key{request.type.Resource(), request.namespace_name, request.name};
  Answer<Object>("delete", key, std::move(done), [&] { return DeleteNow(request); });
}

Result<Object> FakeKubeClient::DeleteNow(const DeleteRequest& request) {
  const ObjectKey key{request.type.Resource(), request.namespace_name, request.name};
  const auto found = objects_.find(key);
  if (found == objects_.end()) {
    return Fail(ErrorCode::kNotFound, key.ToString() + " not found");
  }
  const Object stored = found->second;
  MIDWATCH_TRY(CheckPreconditions(stored, request.preconditions.uid,
                                  request.preconditions.resource_version));
  Json body = stored.Body();
  if (stored.meta().finalizers.empty()) {
    return Commit(request.type, key, std::move(body), true);
  }
  if (stored.meta().IsBeingDeleted()) {
    return stored;
  }
  body["metadata"].Set("deletionTimestamp", FormatTime(clock_.Read().wall));
  body["metadata"].Set("generation", stored.meta().generation + 1);
  return Commit(request.type, key, std::move(body), false);
}

Object FakeKubeClient::Commit(const ResourceType& type, const ObjectKey& key, Json body,
                              bool deleted) {
  ++version_;
  body["metadata"].Set("resourceVersion", std::to_string(version_));
  body.Set("apiVersion", type.ApiVersion());
  body.Set("kind", type.kind);
  const Object after = Made(body);
  const auto found = objects_.find(key);
  Change change{version_, key.resource, found == objects_.end() ? Object() : found->second, after,
                deleted};
  if (deleted) {
    objects_.erase(key);
  } else {
    objects_[key] = after;
  }
  log_.push_back(change);
  Publish(change);
  return after;
}

void FakeKubeClient::Publish(const Change& change) {
  for (const std::weak_ptr<Watcher>& weak : watchers_) {
    if (const std::shared_ptr<Watcher> watcher = weak.lock()) {
      Offer(*watcher, change);
    }
  }
}

void FakeKubeClient::Offer(Watcher& watcher, const Change& change) {
  if (change.resource != watcher.request.type.Resource()) {
    return;
  }
  const bool did = watcher.filter.Fits(change.before);
  const bool does = !change.deleted && watcher.filter.Fits(change.after);
  if (!did && !does) {
    return;
  }
  const WatchEventType type = !does ? WatchEventType::kDeleted
                              : did ? WatchEventType::kModified
                                    : WatchEventType::kAdded;
  watcher.pending.push_back({type, change.after, std::to_string(change.version)});
}

std::unique_ptr<WatchHandle> FakeKubeClient::Watch(WatchRequest request,
                                                   std::shared_ptr<WatchSink> sink) {
  auto watcher = std::make_shared<Watcher>();
  {
    const std::scoped_lock lock(mutex_);
    const std::int64_t from = NumberOf(request.resource_version);
    Result<Filter> filter =
        FilterOf(request.namespace_name, request.label_selector, request.field_selector);
    watcher->request = std::move(request);
    watcher->sink = std::move(sink);
    if (const auto failure = TakeFailure("watch", watcher->request.type.Resource())) {
      watcher->end = failure->error;
    } else if (!filter) {
      watcher->end = filter.error();
    } else if (from < compacted_) {
      watcher->end = Error{ErrorCode::kExpired, "too old resource version"};
    } else {
      watcher->filter = *std::move(filter);
      for (const Change& change : log_) {
        if (change.version > from) {
          Offer(*watcher, change);
        }
      }
    }
    watchers_.push_back(watcher);
  }
  DeliverEvents();
  return std::make_unique<Handle>(*this, watcher);
}

bool FakeKubeClient::DeliverEvent() {
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < watchers_.size(); ++i) {
    const std::shared_ptr<Watcher> watcher = watchers_[i].lock();
    if (watcher == nullptr || watcher->ended) {
      continue;
    }
    if (!watcher->pending.empty()) {
      const WatchEvent event = std::move(watcher->pending.front());
      watcher->pending.pop_front();
      watcher->sink->OnEvent(event);
      return true;
    }
    if (watcher->end) {
      watcher->ended = true;
      watcher->sink->OnEnd(*watcher->end);
      return true;
    }
  }
  std::erase_if(watchers_, [](const std::weak_ptr<Watcher>& weak) {
    const std::shared_ptr<Watcher> watcher = weak.lock();
    return watcher == nullptr || watcher->ended;
  });
  return false;
}

void FakeKubeClient::DeliverEvents() {
  const std::scoped_lock lock(mutex_);
  while (!hold_events_ && DeliverEvent()) {
  }
}

Object FakeKubeClient::Put(const ResourceType& type, const Json& object) {
  Object result;
  {
    const std::scoped_lock lock(mutex_);
    const ObjectKey key = KeyOfBody(type, object);
    Json body = object;
    Json& meta = body["metadata"];
    const auto found = objects_.find(key);
    if (found == objects_.end()) {
      if (meta.Find("uid") == nullptr) {
        meta.Set("uid", "fake-" + std::to_string(next_uid_++));
      }
      meta.Set("generation", 1);
      meta.Set("creationTimestamp", FormatTime(clock_.Read().wall));
    } else {
      const Json before = found->second.Body();
      const bool changed = SpecPart(body) != SpecPart(before);
      meta.Set("uid", found->second.uid());
      meta.Set("generation", found->second.meta().generation + (changed ? 1 : 0));
      meta.Set("creationTimestamp", found->second.meta().creation_timestamp);
    }
    result = Commit(type, key, std::move(body), false);
  }
  DeliverEvents();
  return result;
}

void FakeKubeClient::Remove(const ObjectKey& key) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) {
      return;
    }
    Json body = found->second.Body();
    body["metadata"].Set("resourceVersion", std::to_string(++version_));
    const Change change{version_, key.resource, found->second, Made(body), true};
    objects_.erase(found);
    log_.push_back(change);
    Publish(change);
  }
  DeliverEvents();
}

Object FakeKubeClient::Find(const ObjectKey& key) const {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(key);
  return found == objects_.end() ? Object() : found->second;
}

std::vector<Object> FakeKubeClient::All(std::string_view resource) const {
  const std::scoped_lock lock(mutex_);
  std::vector<Object> found;
  for (const auto& [key, object] : objects_) {
    if (key.resource == resource) {
      found.push_back(object);
    }
  }
  return found;
}

std::int64_t FakeKubeClient::version() const {
  const std::scoped_lock lock(mutex_);
  return version_;
}

void FakeKubeClient::FailNext(Failure failure) {
  const std::scoped_lock lock(mutex_);
  failures_.push_back(std::move(failure));
}

void FakeKubeClient::HoldAnswers(bool hold) {
  const std::scoped_lock lock(mutex_);
  hold_answers_ = hold;
}

bool FakeKubeClient::DeliverAnswer() {
  Later later;
  {
    const std::scoped_lock lock(mutex_);
    if (answers_.empty()) {
      return false;
    }
    later = std::move(answers_.front());
    answers_.pop_front();
  }
  later();
  DeliverEvents();
  return true;
}

void FakeKubeClient::HoldEvents(bool hold) {
  {
    const std::scoped_lock lock(mutex_);
    hold_events_ = hold;
  }
  DeliverEvents();
}

void FakeKubeClient::Bookmark() {
  {
    const std::scoped_lock lock(mutex_);
    for (const std::weak_ptr<Watcher>& weak : watchers_) {
      if (const std::shared_ptr<Watcher> watcher = weak.lock()) {
        watcher->pending.push_back({WatchEventType::kBookmark, {}, std::to_string(version_)});
      }
    }
  }
  DeliverEvents();
}

void FakeKubeClient::EndWatches(Error why) {
  {
    const std::scoped_lock lock(mutex_);
    for (const std::weak_ptr<Watcher>& weak : watchers_) {
      if (const std::shared_ptr<Watcher> watcher = weak.lock()) {
        watcher->end = why;
      }
    }
  }
  DeliverEvents();
}

void FakeKubeClient::Compact() {
  const std::scoped_lock lock(mutex_);
  compacted_ = version_;
  log_.clear();
}

void FakeKubeClient::FreezeLists() {
  const std::scoped_lock lock(mutex_);
  frozen_ = objects_;
  frozen_version_ = version_;
}

void FakeKubeClient::ThawLists() {
  const std::scoped_lock lock(mutex_);
  frozen_.reset();
}

std::vector<std::string> FakeKubeClient::calls() const {
  const std::scoped_lock lock(mutex_);
  return calls_;
}

void FakeKubeClient::ClearCalls() {
  const std::scoped_lock lock(mutex_);
  calls_.clear();
}

}  // namespace midwatch::fakes
