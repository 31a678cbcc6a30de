#include "controller/apiserver/api.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "controller/apiserver/status_errors.h"
#include "controller/base/text.h"

namespace midwatch::apiserver {
namespace {

constexpr std::string_view kNotYours = "it does not belong to this Agent";
constexpr std::string_view kNoHolds =
    "an Agent sets no finalizers and no owners, and its Leases are owned by their AgentInstances";
constexpr std::string_view kSelect = "lists and watches must select the Agent by ";

std::string_view VerbOf(const WriteCall& call) {
  constexpr std::string_view kVerbs[] = {"create", "update", "patch", "delete"};
  return kVerbs[call.body.index()];
}

/// Is the object, by this rule, one that this identity has to do with?
bool Owns(const ResourceRegistry& registry, const Storage& storage, const AgentRule& rule,
          const Identity& identity, const Target& target, const Json& object) {
  bool owns = false;
  if (rule.via.empty()) {
    owns = NamesAgent(rule, identity, object);
  } else if (const ResourceInfo* via = registry.FindResource(rule.via)) {
    const VersionPtr other =
        storage.Find(*via, target.namespace_name, object.At("metadata", "name").AsString());
    owns = other != nullptr && NamesAgent(rule, identity, *other);
  }
  return owns && MayHaveName(rule, object);
}

Result<Selection> Select(const Identity& identity, std::string_view verb, const Target& target,
                         std::string_view labels, std::string_view fields) {
  const Attributes asked{verb, target};
  MIDWATCH_ASSIGN(const AgentRule* const rule, Authorize(identity, asked));
  std::string all_fields(fields);
  if (!target.name.empty()) {
    all_fields += (all_fields.empty() ? "metadata.name=" : ",metadata.name=") + target.name;
  }
  MIDWATCH_ASSIGN(Selection selection,
                  Selection::Parse(*target.resource, target.namespace_name, labels, all_fields));
  if (rule != nullptr && selection.Required(rule->field) != identity.agent_name) {
    return Fail(ForbiddenError(identity, asked, std::string(kSelect) + std::string(rule->field)));
  }
  return selection;
}

/// Takes what a creation of that name needs of the Agent's quota.
using TakePlace = std::function<Result<void>(const std::string& name)>;

Admission AdmissionFor(const ResourceRegistry& registry, const Storage& storage,
                       const AgentRule* rule, const WriteCall& call, TakePlace take_place) {
  return [take_place = std::move(take_place), &registry, &storage, rule, identity = call.identity,
          target = call.target,
          verb = VerbOf(call)](const Json* stored, const Json* wanted) -> Result<void> {
    const Attributes asked{verb, target};
    const auto owns = [&](const Json* object) {
      return object == nullptr || Owns(registry, storage, *rule, identity, target, *object);
    };
    if (!owns(stored)) {
      return Fail(NotFoundError(target.resource->type, target.name));  // As if there were none.
    }
    if (!owns(wanted)) {
      // What stands there and what does not are told apart by nobody whose neither would be.
      const bool hidden = stored == nullptr && !target.name.empty();
      return Fail(hidden ? NotFoundError(target.resource->type, target.name)
                         : ForbiddenError(identity, asked, kNotYours));
    }
    const ResourceInfo* via = registry.FindResource(rule->via);
    if (wanted != nullptr && !MayBeHeld(via ? &via->type : nullptr, stored, *wanted)) {
      return Fail(ForbiddenError(identity, asked, kNoHolds));
    }
    return stored == nullptr ? take_place(wanted->At("metadata", "name").AsString())
                             : Result<void>();
  };
}

/// Deletes the items of a list, a window of them at a time. Kept alive by its outstanding calls.
class CollectionDelete : public std::enable_shared_from_this<CollectionDelete> {
 public:
  using Done = std::function<void(Result<ListAnswer>)>;
  CollectionDelete(Storage& storage, WriteCall pattern, Admission admit, ListAnswer list, Done done)
      : storage_(storage),
        pattern_(std::move(pattern)),
        admit_(std::move(admit)),
        list_(std::move(list)),
        done_(std::move(done)) {}

  /// Starts as many as the window has room for. Answers may come inside, so no lock is held.
  void Run() {
    for (;;) {
      WriteCall call;
      {
        const std::scoped_lock lock(mutex_);
        running_ = under_way_ < kWindow && !error_ && next_ < list_.items.size();
        if (!running_) {
          break;
        }
        call = pattern_;
        call.target.namespace_name = list_.items[next_]->key().namespace_name;
        call.target.name = list_.items[next_]->key().name;
        ++next_;
        ++under_way_;
      }
      storage_.Write(std::move(call), admit_,
                     [self = shared_from_this()](const Result<WriteAnswer>& result) {
                       self->OnAnswer(result);
                     });
    }
    FinishIfOver();
  }

 private:
  static constexpr std::size_t kWindow = 64;

  void OnAnswer(const Result<WriteAnswer>& result) {
    bool go_on = false;
    {
      const std::scoped_lock lock(mutex_);
      --under_way_;
      if (!result && result.error().code != ErrorCode::kNotFound && !error_) {
        error_ = result.error();
      }
      go_on = !running_;  // Otherwise Run is at it, maybe further up this very stack.
      running_ = true;
    }
    if (go_on) {
      Run();
    }
  }
  void FinishIfOver() {
    Done done;
    {
      const std::scoped_lock lock(mutex_);
      if (under_way_ > 0 || (!error_ && next_ < list_.items.size())) {
        return;
      }
      done = std::exchange(done_, nullptr);
    }
    if (done) {
      done(error_ ? Result<ListAnswer>(Fail(*error_)) : Result<ListAnswer>(std::move(list_)));
    }
  }

  Storage& storage_;
  const WriteCall pattern_;
  const Admission admit_;
  ListAnswer list_;
  std::mutex mutex_;
  std::size_t next_ = 0;
  std::size_t under_way_ = 0;
  bool running_ = true;
  std::optional<Error> error_;
  Done done_;
};

}  // namespace

Api::Api(const ResourceRegistry& registry, Storage& storage)
    : registry_(registry), storage_(storage) {}

Result<VersionPtr> Api::Get(const GetCall& call) const {
  const Attributes asked{"get", call.target};
  const ResourceInfo& resource = *call.target.resource;
  MIDWATCH_ASSIGN(const AgentRule* const rule, Authorize(call.identity, asked));
  if (!call.target.subresource.empty() && !resource.has_status) {
    return Fail(NotFoundError(resource.type, call.target.name));
  }
  if (!call.resource_version.empty()) {
    MIDWATCH_ASSIGN(const std::int64_t wanted, ParseVersion(call.resource_version));
    if (const std::int64_t current = storage_.Revision(); wanted > current) {
      return Fail(TooLargeVersionError(wanted, current));
    }
  }
  VersionPtr found = storage_.Find(resource, call.target.namespace_name, call.target.name);
  if (found == nullptr) {
    return Fail(NotFoundError(resource.type, call.target.name));
  }
  if (rule != nullptr &&
      !Owns(registry_, storage_, *rule, call.identity, call.target, found->object().Body())) {
    return Fail(NotFoundError(resource.type, call.target.name));  // As if there were none.
  }
  return found;
}

Result<ListAnswer> Api::List(const ListCall& call) const {
  MIDWATCH_ASSIGN(const Selection selection, Select(call.identity, "list", call.target,
                                                    call.label_selector, call.field_selector));
  return storage_.List(call, selection);
}

void Api::Write(WriteCall call, WriteDone done) {
  const auto rule = Authorize(call.identity, {VerbOf(call), call.target});
  if (!rule) {
    return done(Fail(rule.error()));
  }
  if (*rule == nullptr) {
    return storage_.Write(std::move(call), {}, std::move(done));
  }
  const auto* create = std::get_if<CreateBody>(&call.body);
  if (create != nullptr && !(*rule)->via.empty() &&
      !Owns(registry_, storage_, **rule, call.identity, call.target, create->object)) {
    // Before it is known whether the name is taken.
    return done(Fail(ForbiddenError(call.identity, {VerbOf(call), call.target}, kNotYours)));
  }
  const auto place = std::make_shared<std::shared_ptr<void>>();
  Admission admit = AdmissionFor(registry_, storage_, *rule, call,
                                 [this, rule = *rule, identity = call.identity,
                                  target = call.target, place](const std::string& name) mutable {
                                   target.name = name;
                                   return TakePlaceFor(*rule, identity, target, *place);
                                 });
  storage_.Write(
      std::move(call), std::move(admit),
      [place, done = std::move(done)](Result<WriteAnswer> answer) { done(std::move(answer)); });
}

Result<void> Api::TakePlaceFor(const AgentRule& rule, const Identity& identity,
                               const Target& target, std::shared_ptr<void>& place) {
  if (rule.most == 0 || place != nullptr) {
    return {};
  }
  const ResourceType& type = target.resource->type;
  place = quota_.Take(identity.username + " " + type.Resource(), rule.most, [&]() -> std::size_t {
    const auto standing =
        List({.identity = identity,
              .target = {.resource = target.resource, .namespace_name = target.namespace_name},
              .field_selector = std::string(rule.field) + "=" + identity.agent_name});
    return standing ? standing->items.size() : rule.most;
  });
  if (place == nullptr) {
    // Not kForbidden: places become free.
    return Fail(ErrorCode::kTooManyRequests, type.Resource() + " " + Quote(target.name) +
                                                 ": exceeded quota: an Agent has at most " +
                                                 std::to_string(rule.most) + " " + type.plural);
  }
  return {};
}

void Api::DeleteCollection(ListCall what, DeleteBody how, WriteOptions options,
                           std::function<void(Result<ListAnswer>)> done) {
  const auto selection = Select(what.identity, "deletecollection", what.target, what.label_selector,
                                what.field_selector);
  auto list =
      selection ? storage_.List(what, *selection) : Result<ListAnswer>(Fail(selection.error()));
  if (!list) {
    return done(std::move(list));
  }
  WriteCall pattern{.identity = what.identity,
                    .target = what.target,
                    .body = std::move(how),
                    .options = std::move(options)};
  std::make_shared<CollectionDelete>(storage_, std::move(pattern), Admission(), *std::move(list),
                                     std::move(done))
      ->Run();
}

Result<std::unique_ptr<WatchHandle>> Api::Watch(const WatchCall& call,
                                                std::shared_ptr<WatchSink> sink) {
  MIDWATCH_ASSIGN(Selection selection, Select(call.identity, "watch", call.target,
                                              call.label_selector, call.field_selector));
  return storage_.Watch(call, std::move(selection), std::move(sink));
}

Result<void> Api::CheckPath(const Identity& identity, std::string_view verb,
                            std::string_view path) const {
  return AuthorizePath(identity, verb, path);
}

bool Api::MayTry(const Identity& identity, std::string_view verb, const Target& target) const {
  return Authorize(identity, {verb, target}).has_value();
}

std::string SerializeList(const ResourceInfo& resource, const ListAnswer& list) {
  std::size_t size = 256;
  for (const VersionPtr& item : list.items) {
    size += item->object().bytes().size() + 1;
  }
  std::string out;
  out.reserve(size);
  out += "{\"apiVersion\":";
  AppendJsonString(resource.type.ApiVersion(), out);
  out += ",\"items\":[";
  for (const VersionPtr& item : list.items) {
    if (out.back() != '[') {
      out += ',';
    }
    out += item->object().bytes();
  }
  out += "],\"kind\":";
  AppendJsonString(resource.list_kind, out);
  Json meta = Json::Of({{"resourceVersion", std::to_string(list.revision)}});
  if (!list.continue_token.empty()) {
    meta.Set("continue", list.continue_token);
  }
  if (list.remaining) {
    meta.Set("remainingItemCount", *list.remaining);
  }
  out += ",\"metadata\":" + meta.Dump() + "}";
  return out;
}

}  // namespace midwatch::apiserver
