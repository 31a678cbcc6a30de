#include "controller/runtime/executor.h"

#include <algorithm>

#include "controller/base/check.h"
#include "controller/base/error_table.h"
#include "controller/object/patch.h"

namespace midwatch {
namespace {

ObjectKey KeyOfBody(const ResourceType& type, const Json& body) {
  const Json& meta = body.At("metadata");
  return {type.Resource(), meta.At("namespace").AsString(), meta.At("name").AsString()};
}

template <typename T>
std::optional<T> TakeFirst(std::deque<T>& queue) {
  if (queue.empty()) {
    return std::nullopt;
  }
  std::optional<T> first(std::move(queue.front()));
  queue.pop_front();
  return first;
}

/// True if the object is gone once this write of it has succeeded.
bool EndsObject(const Write& write, const Object& answer) {
  if (std::holds_alternative<CreateRequest>(write)) {
    return false;
  }
  const bool held = !answer.meta().finalizers.empty();
  return !held && (std::holds_alternative<DeleteRequest>(write) || answer.meta().IsBeingDeleted());
}

}  // namespace

WriteTarget TargetOf(const Write& write) {
  return std::visit(
      [](const auto& request) -> WriteTarget {
        if constexpr (requires { request.object; }) {
          return {&request.type, KeyOfBody(request.type, request.object)};
        } else {
          return {&request.type, {request.type.Resource(), request.namespace_name, request.name}};
        }
      },
      write);
}

Executor::Executor(Ports ports)
    : ports_(std::move(ports)), inbox_(std::make_shared<Inbox<Item>>(ports_.waker)) {}

Executor::~Executor() { inbox_->Close(); }

void Executor::Begin(Ticket ticket, Plan plan) {
  const std::uint64_t id = next_plan_++;
  Active active;
  active.outcome.wake_at = plan.wake_at;
  active.outcome.wrote = true;
  active.ticket = std::move(ticket);
  active.plan = std::move(plan);
  active.effects.resize(active.plan.effects.size());
  for (std::size_t i = 0; i < active.plan.effects.size(); ++i) {
    if (const auto* write = std::get_if<Write>(&active.plan.effects[i])) {
      writing_[TargetOf(*write).key.resource].insert({id, i});
    }
  }
  MakeRunnable(id, plans_.emplace(id, std::move(active)).first->second);
}

bool Executor::Step(Now now) {
  return TakeItem(now) || CheckRefreshes() || StartDueRead(now) || StartNextEffect(now);
}

std::optional<Executor::Outcome> Executor::TakeOutcome() { return TakeFirst(outcomes_); }

std::optional<Executor::OperationEnd> Executor::TakeOperationEnd() {
  return TakeFirst(operation_ends_);
}

std::optional<Executor::Unmade> Executor::TakeUnmade() { return TakeFirst(unmade_); }

std::optional<MonoTime> Executor::NextWake() const {
  return due_reads_.empty() ? std::nullopt : std::optional(due_reads_.begin()->first);
}

bool Executor::TakeItem(Now now) {
  std::optional<Item> item = inbox_->Take();
  if (!item) {
    return false;
  }
  if (auto* end = std::get_if<OperationEnd>(&*item)) {
    if (const auto running = running_.find(end->operation); --running->second == 0) {
      running_.erase(running);
    }
    awaiting_.erase(awaiting_.find({end->controller, end->key}));
    operation_ends_.push_back(std::move(*end));
  } else if (auto* write = std::get_if<WriteAnswer>(&*item)) {
    OnWrite(write->id, plans_.at(write->id.first), write->result, now);
  } else if (const auto* unrecorded = std::get_if<Unrecorded>(&*item)) {
    ports_.log.Info("not recorded", {{"error", unrecorded->error.message}});
  } else {
    const auto& read = std::get<ReadAnswer>(*item);
    OnRead(read.id, plans_.at(read.id.first), read.result, now);
  }
  return true;
}

bool Executor::CheckRefreshes() {
  for (auto& [resource, waiting] : refreshing_) {
    if (!waiting.empty() && ports_.informer(resource).refreshes() >= waiting.front().number) {
      const EffectId id = waiting.front().id;
      waiting.pop_front();
      EffectEnded(id);
      return true;
    }
  }
  return false;
}

bool Executor::StartDueRead(Now now) {
  if (due_reads_.empty() || due_reads_.begin()->first > now.mono) {
    return false;
  }
  const EffectId id = due_reads_.begin()->second;
  due_reads_.erase(due_reads_.begin());
  Active& active = plans_.at(id.first);
  StartRead(id, active.effects[id.second], ReadOf(active, id.second));
  return true;
}

bool Executor::StartNextEffect(Now now) {
  if (runnable_.empty()) {
    return false;
  }
  const std::uint64_t id = runnable_.front();
  runnable_.pop_front();
  Active& active = plans_.at(id);
  active.queued = false;
  if (!active.outcome.failure && ports_.leadership != nullptr &&
      ports_.leadership->Term(now.mono) != active.ticket.term) {
    active.outcome.dropped = true;
  }
  const bool over = active.outcome.failure || active.outcome.dropped;
  if (!over && active.next < active.plan.effects.size()) {
    const EffectId effect{id, active.next++};
    ++active.waiting;
    StartEffect(effect, active, now);
    if (active.plan.independent) {
      MakeRunnable(id, active);
    }
    return true;
  }
  if (active.waiting == 0) {
    SendRecords(active);
    for (std::size_t i = active.next; i < active.plan.effects.size(); ++i) {
      EndAssumption({id, i}, active);
    }
    active.outcome.ticket = std::move(active.ticket);
    outcomes_.push_back(std::move(active.outcome));
    plans_.erase(id);
  }
  return true;
}

void Executor::StartEffect(EffectId id, Active& active, Now now) {
  const Effect& effect = active.plan.effects[id.second];
  if (const auto* write = std::get_if<Write>(&effect)) {
    StartWrite(id, *write, active.ticket.field_manager);
  } else if (const auto* start = std::get_if<Start>(&effect)) {
    StartOperation(active, *start);
    EffectEnded(id);
  } else if (std::holds_alternative<Record>(effect)) {
    EffectEnded(id);  // It is sent with the others at the end.
  } else if (std::holds_alternative<Confirm>(effect)) {
    due_reads_.insert({now.mono, id});
  } else {
    const std::string resource = std::get<Refresh>(effect).type.Resource();
    refreshing_[resource].push_back({ports_.informer(resource).Refresh(), id});
    active.outcome.asked = true;
  }
}

void Executor::StartWrite(EffectId id, const Write& write, const std::string& field_manager) {
  auto done = [inbox = inbox_, id](Result<Object> result) {
    inbox->Push(WriteAnswer{id, std::move(result)});
  };
  const auto managed = [&](auto request) {
    if (request.field_manager.empty()) {
      request.field_manager = field_manager;
    }
    return request;
  };
  if (const auto* create = std::get_if<CreateRequest>(&write)) {
    ports_.client.Create(managed(*create), std::move(done));
  } else if (const auto* update = std::get_if<UpdateRequest>(&write)) {
    ports_.client.Update(managed(*update), std::move(done));
  } else if (const auto* patch = std::get_if<PatchRequest>(&write)) {
    ports_.client.Patch(managed(*patch), std::move(done));
  } else {
    ports_.client.Delete(std::get<DeleteRequest>(write), std::move(done));
  }
}

void Executor::StartOperation(Active& active, const Start& start) {
  const auto runner = ports_.operations.find(start.operation);
  MIDWATCH_CHECK(runner != ports_.operations.end());
  OperationEnd end{active.ticket.controller, active.ticket.key, {start.operation, start.name}, {}};
  ++running_[end.operation];
  awaiting_.emplace(end.controller, end.key);
  active.outcome.started = true;
  runner->second->Start(start.name, start.spec,
                        [inbox = inbox_, end = std::move(end)](Result<void> result) mutable {
                          end.result = std::move(result);
                          inbox->Push(std::move(end));
                        });
}

/// Those that the plan has come to.
void Executor::SendRecords(const Active& active) {
  for (std::size_t i = 0; i < active.next; ++i) {
    const auto* record = std::get_if<Record>(&active.plan.effects[i]);
    if (record == nullptr) {
      continue;
    }
    CreateRequest create = record->create;
    if (create.field_manager.empty()) {
      create.field_manager = active.ticket.field_manager;
    }
    ports_.client.Create(std::move(create), [inbox = inbox_](Result<Object> result) {
      if (!result && result.error().code != ErrorCode::kAlreadyExists) {
        inbox->Push(Unrecorded{std::move(result.error())});
      }
    });
  }
}

void Executor::StartRead(EffectId id, EffectState& state, GetRequest request) {
  state.question = Question{.seen = 0, .fresh = 0};
  if (const Index* index = ports_.view.FindIndex(request.type.Resource())) {
    state.question = {index->VersionOf(request.namespace_name, request.name), index->fresh_to()};
  }
  ports_.client.Get(std::move(request), [inbox = inbox_, id](Result<Object> result) {
    inbox->Push(ReadAnswer{id, std::move(result)});
  });
}

void Executor::OnWrite(EffectId id, Active& active, const Result<Object>& result, Now now) {
  const Write& write = std::get<Write>(active.plan.effects[id.second]);
  if (result) {
    active.effects[id.second].made = true;
    FeedWritten(write, *result, now);
    EffectEnded(id);
    return;
  }
  // To delete what is gone already is to have deleted it; the view still has to learn that it is
  // gone.
  const bool gone =
      result.error().code == ErrorCode::kNotFound && !std::holds_alternative<CreateRequest>(write);
  if (!gone || !std::holds_alternative<DeleteRequest>(write)) {
    WriteFailed(active, write, result.error());
  }
  if (gone || RowOf(result.error().code).retry == RetryClass::kReadFirst) {
    EffectState& state = active.effects[id.second];
    state.unknown = result.error();
    due_reads_.insert({now.mono, id});
  } else {
    EffectEnded(id);
  }
}

void Executor::OnRead(EffectId id, Active& active, const Result<Object>& result, Now now) {
  EffectState& state = active.effects[id.second];
  const bool answered = result || result.error().code == ErrorCode::kNotFound;
  if (answered) {
    OnConfirmed(ReadOf(active, id.second), *state.question, result, now);
    active.outcome.asked |= !state.unknown.has_value();
  } else if (!state.unknown) {
    Failed(active, result.error());
  } else if (state.unknown->code == ErrorCode::kOutcomeUnknown) {
    constexpr int kMaxDoublings = 10;
    const Duration delay = std::min<Duration>(
        kReadBackBase * (1 << std::min(state.read_failures++, kMaxDoublings)), kReadBackLimit);
    due_reads_.insert({now.mono + delay, id});
    return;
  }
  EffectEnded(id);
}

void Executor::OnConfirmed(const GetRequest& get, const Question& question,
                           const Result<Object>& result, Now now) {
  const std::string resource = get.type.Resource();
  Index* index = ports_.view.FindIndex(resource);
  if (index == nullptr) {
    return;
  }
  if (!result) {
    index->ConfirmAbsent(get.namespace_name, get.name, question.seen);
    return;
  }
  index->Upsert(*result, now);
  const bool missed = question.seen == 0 && index->VersionOf(get.namespace_name, get.name) == 0 &&
                      VersionNumber(result->resource_version()) <= question.fresh;
  if (missed) {
    ports_.log.Fault("an event was missed, listing again",
                     {{"resource", resource}, {"name", get.namespace_name + "/" + get.name}});
    ports_.informer(resource).ListAgain();
  }
}

void Executor::FeedWritten(const Write& write, const Object& object, Now now) {
  Index* index = ports_.view.FindIndex(TargetOf(write).key.resource);
  if (index == nullptr) {
    return;
  }
  if (EndsObject(write, object)) {
    index->Delete(object, VersionNumber(object.resource_version()));
  } else {
    index->Upsert(object, now);
  }
}

void Executor::Failed(Active& active, const Error& error) {
  if (!active.outcome.failure) {
    active.outcome.failure = error;
  }
}

void Executor::WriteFailed(Active& active, const Write& write, const Error& error) {
  if (!active.plan.keep_going) {
    Failed(active, error);
  } else if (active.outcome.failures.size() < kMaxFailures) {
    active.outcome.failures.push_back({TargetOf(write).key, error});
  }
}

void Executor::EffectEnded(EffectId id) {
  Active& active = plans_.at(id.first);
  EndAssumption(id, active);
  --active.waiting;
  MakeRunnable(id.first, active);
}

void Executor::EndAssumption(EffectId id, const Active& active) {
  const auto* write = std::get_if<Write>(&active.plan.effects[id.second]);
  if (write == nullptr) {
    return;
  }
  const WriteTarget target = TargetOf(*write);
  writing_[target.key.resource].erase(id);
  const EffectState& state = active.effects[id.second];
  if (!state.made && state.assumed && *state.assumed) {
    unmade_.push_back({active.ticket.controller, active.ticket.key, *target.type, *state.assumed});
  }
}

void Executor::MakeRunnable(std::uint64_t id, Active& active) {
  const std::size_t window = active.plan.independent ? kWindow : 1;
  if (!active.queued && active.waiting < window) {
    active.queued = true;
    runnable_.push_back(id);
  }
}

GetRequest Executor::ReadOf(const Active& active, std::size_t position) const {
  const Effect& effect = active.plan.effects[position];
  if (const auto* confirm = std::get_if<Confirm>(&effect)) {
    return confirm->get;
  }
  const WriteTarget target = TargetOf(std::get<Write>(effect));
  return {*target.type, target.key.namespace_name, target.key.name};
}

std::vector<Object> Executor::InFlight(std::string_view resource) {
  std::vector<Object> found;
  const auto writes = writing_.find(resource);
  if (writes == writing_.end()) {
    return found;
  }
  for (const EffectId& id : writes->second) {
    Active& active = plans_.at(id.first);
    EffectState& state = active.effects[id.second];
    if (!state.assumed) {
      state.assumed = Assume(std::get<Write>(active.plan.effects[id.second])).value_or(Object());
    }
    if (*state.assumed) {
      found.push_back(*state.assumed);
    }
  }
  return found;
}

std::optional<Object> Executor::Assume(const Write& write) const {
  const auto stored = [&] {
    const WriteTarget target = TargetOf(write);
    const Index* index = ports_.view.FindIndex(target.key.resource);
    const Object found =
        index == nullptr ? Object() : index->Find(target.key.namespace_name, target.key.name);
    return found ? found.Body() : Json::EmptyObject();
  };
  Json body;
  if (const auto* create = std::get_if<CreateRequest>(&write)) {
    body = create->object;
  } else if (const auto* update = std::get_if<UpdateRequest>(&write)) {
    if (update->subresource == "status") {
      body = stored();
      body.Set("status", update->object.At("status"));
    } else {
      body = update->object;
    }
  } else if (const auto* patch = std::get_if<PatchRequest>(&write)) {
    if (patch->patch_type == PatchType::kJson) {
      Result<Json> patched = ApplyJsonPatch(stored(), patch->patch);
      body = patched ? *std::move(patched) : Json();
    } else {
      body = ApplyMergePatch(stored(), patch->patch);
    }
  }
  Result<Object> object = Object::FromJson(body);
  if (!object) {
    return std::nullopt;
  }
  object->KeepBody(std::move(body));  // It lives as long as the write is under way.
  return *std::move(object);
}

}  // namespace midwatch
