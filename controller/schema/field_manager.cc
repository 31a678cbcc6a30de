#include "controller/schema/field_manager.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "controller/base/text.h"
#include "controller/schema/managed_fields.h"
#include "controller/schema/typed_value.h"

namespace midwatch::schema {
namespace {

constexpr std::string_view kBeforeFirstApply = "before-first-apply";
constexpr std::array<std::string_view, 10> kSystemMetadata = {"name",
                                                              "namespace",
                                                              "creationTimestamp",
                                                              "selfLink",
                                                              "uid",
                                                              "generation",
                                                              "managedFields",
                                                              "resourceVersion",
                                                              "deletionTimestamp",
                                                              "deletionGracePeriodSeconds"};

/// What the API server alone writes: nobody owns it.
const FieldSet& UnownedFields() {
  static const FieldSet kFields = [] {
    FieldSet out = FieldSet::Of({{PathElement::Field("apiVersion")},
                                 {PathElement::Field("kind")},
                                 {PathElement::Field("metadata")}});
    for (const std::string_view name : kSystemMetadata) {
      out.Insert({PathElement::Field("metadata"), PathElement::Field(name)});
    }
    return out;
  }();
  return kFields;
}

/// Leaves of a set what a write through this path may own: `status` belongs to the subresource.
void KeepOwnableBy(const FieldWriter& writer, FieldSet& fields) {
  const PathElement status = PathElement::Field("status");
  if (writer.subresource.empty()) {
    if (writer.has_status_subresource) {
      fields.SubtractTrees(FieldSet::Of({{status}}));
    }
    return;
  }
  if (writer.subresource == "status") {
    FieldSet kept;
    if (fields.Has(status)) {
      kept.Insert(status);
    }
    if (const FieldSet* below = fields.Below(status); below != nullptr) {
      kept.SetBelow(status, *below);
    }
    fields = std::move(kept);
  }
}

/// The configuration without what this path does not write.
Json WritableBy(const FieldWriter& writer, const Json& applied) {
  Json out = applied;
  if (writer.subresource.empty() && writer.has_status_subresource) {
    out.Erase("status");
  } else if (writer.subresource == "status") {
    Json::Object& members = out.MutableMembers();
    members.erase(std::remove_if(members.begin(), members.end(),
                                 [](const Json::Member& member) {
                                   return member.name != "apiVersion" && member.name != "kind" &&
                                          member.name != "status";
                                 }),
                  members.end());
  }
  return out;
}

Json CopyWithout(const Json& object, std::string_view name) {
  Json out = Json::EmptyObject();
  Json::Object& kept = out.MutableMembers();
  kept.reserve(object.Members().size());
  for (const Json::Member& member : object.Members()) {
    if (member.name != name) {
      kept.push_back(member);
    }
  }
  return out;
}

/// A copy; the managed fields are often the largest part and are not copied first.
Json WithoutManagedFields(const Json& object) {
  Json out = CopyWithout(object, "metadata");
  if (const Json* metadata = object.Find("metadata"); metadata != nullptr) {
    out.Set("metadata", CopyWithout(*metadata, "managedFields"));
  }
  return out;
}

void SetManagedFields(Json& object, const ManagedFields& managed) {
  Json encoded = managed.ToJson();
  if (encoded.IsNull()) {
    object["metadata"].Erase("managedFields");
  } else {
    object["metadata"].Set("managedFields", std::move(encoded));
  }
}

ManagerKey KeyOf(const FieldWriter& writer, bool applied) {
  return {.applied = applied,
          .manager = writer.manager,
          .subresource = writer.subresource,
          .api_version = applied ? "" : writer.api_version};
}

struct Conflict {
  std::string manager;  ///< `"m1"`, `"cli" using demo.example.io/v1`
  std::string path;
};

std::string Shown(const ManagerKey& key) {
  std::string out = Quote(key.manager);
  if (!key.subresource.empty()) {
    out += " with subresource " + Quote(key.subresource);
  }
  return key.applied ? out : out + " using " + key.api_version;
}

Error ConflictError(const std::vector<Conflict>& conflicts) {
  Json causes = Json::EmptyArray();
  std::string text;
  const std::string* current = nullptr;
  for (const Conflict& conflict : conflicts) {
    causes.Append(Json::Of({{"reason", "FieldManagerConflict"},
                            {"message", "conflict with " + conflict.manager},
                            {"field", conflict.path}}));
    if (current == nullptr || *current != conflict.manager) {
      text += (current == nullptr ? "" : "\n") + ("conflicts with " + conflict.manager) + ":";
      current = &conflict.manager;
    }
    text += "\n- " + conflict.path;
  }
  std::string message = "Apply failed with 1 conflict: conflict with " + conflicts.front().manager +
                        ": " + conflicts.front().path;
  if (conflicts.size() > 1) {
    message = "Apply failed with " + std::to_string(conflicts.size()) + " conflicts: " + text;
  }
  return {ErrorCode::kConflict, std::move(message), Json::Of({{"causes", causes}}).Dump()};
}

/// Takes what changed away from everybody but `self`; without `force`, fails where it was owned.
Result<bool> TakeFromOthers(ManagedFields& managed, const std::optional<ManagerKey>& self,
                            const Comparison& change, bool force) {
  FieldSet written = change.modified;
  written.Add(change.added);
  std::vector<Conflict> conflicts;
  for (auto& [key, entry] : managed.entries()) {
    if (self && key == *self) {
      continue;
    }
    if (!force) {
      for (std::string& path : entry.fields.Intersection(written).ToStrings()) {
        conflicts.push_back({Shown(key), std::move(path)});
      }
    }
    entry.fields.Subtract(written);
    entry.fields.Subtract(change.removed);
  }
  if (!conflicts.empty()) {
    return Fail(ConflictError(conflicts));
  }
  return true;
}

void DropUnowned(ManagedFields& managed) {
  for (auto& [key, entry] : managed.entries()) {
    entry.fields.Subtract(UnownedFields());
  }
  std::erase_if(managed.entries(), [](const auto& entry) { return entry.second.fields.Empty(); });
}

/// What changed between two states, as far as a write through this path may own it.
Comparison ChangeBy(const FieldWriter& writer, const CompiledSchema& schema, const Json& live,
                    const Json& updated) {
  Comparison change = Compare(schema.root(), live, updated);
  KeepOwnableBy(writer, change.added);
  KeepOwnableBy(writer, change.modified);
  return change;
}

/// What a write that is no apply does to the owners: the writer owns what it changed.
void RecordUpdate(Comparison change, const FieldWriter& writer, ManagedFields& managed) {
  (void)TakeFromOthers(managed, std::nullopt, change, /*force=*/true);  // Forced: cannot fail.
  FieldSet mine = std::move(change.modified);
  mine.Add(change.added);
  mine.Subtract(UnownedFields());
  if (!mine.Empty()) {
    ManagedEntry& entry = managed.entries()[KeyOf(writer, false)];
    entry.fields.Add(mine);
    entry.api_version = writer.api_version;
    entry.time = FormatTime(writer.now);
  }
  DropUnowned(managed);
  managed.CapUpdates(kMaxUpdateManagers);
}

/// True if every member of `set` is one of the fieldsV1.
bool HasAll(const Json& fields, const FieldSet& set) {
  const auto below = [&](const PathElement& element) { return fields.Find(element.ToString()); };
  return std::all_of(set.members().begin(), set.members().end(),
                     [&](const PathElement& member) {
                       const Json* found = below(member);
                       return found != nullptr &&
                              (found->Members().empty() || found->Find(".") != nullptr);
                     }) &&
         std::all_of(set.children().begin(), set.children().end(), [&](const auto& child) {
           const Json* found = below(child.element);
           return found != nullptr && HasAll(*found, child.set);
         });
}

/// True if the fieldsV1 have something that stands in `set`, or below or above it.
bool Touches(const Json& fields, const FieldSet& set) {
  return std::any_of(set.members().begin(), set.members().end(),
                     [&](const PathElement& member) {
                       return fields.Find(member.ToString()) != nullptr;
                     }) ||
         std::any_of(set.children().begin(), set.children().end(), [&](const auto& child) {
           const Json* found = fields.Find(child.element.ToString());
           return found != nullptr && Touches(*found, child.set);
         });
}

/// The entries as they are stored, the writer's with the present time, if that is all that the
/// change does to them: the writer owned all of it before, nobody else any of it, and nothing is
/// gone. So it is with nearly every status, and nothing need be decoded.
std::optional<Json> WithOwnTime(const Json& stored, const Comparison& change,
                                const FieldWriter& writer) {
  FieldSet written = change.modified;
  written.Add(change.added);
  if (!change.removed.Empty() || written.Empty()) {
    return std::nullopt;
  }
  Json out = stored;
  Json* mine = nullptr;
  for (Json& entry : out.MutableItems()) {
    const bool own = entry.At("operation").AsString() == "Update" &&
                     entry.At("manager").AsString() == writer.manager &&
                     entry.At("subresource").AsString() == writer.subresource &&
                     entry.At("apiVersion").AsString() == writer.api_version;
    if (own ? !HasAll(entry.At("fieldsV1"), written) : Touches(entry.At("fieldsV1"), written)) {
      return std::nullopt;
    }
    mine = own ? &entry : mine;
  }
  if (mine == nullptr) {
    return std::nullopt;
  }
  mine->Set("time", FormatTime(writer.now));
  ManagedFields::Sort(out);
  return out;
}

/// Removes from `merged` what this manager applied last time, does not apply now, and nobody else
/// owns.
Json PruneLeftOut(const SchemaNode& root, Json merged, const ManagedFields& managed,
                  const FieldSet& last) {
  FieldSet owned;
  for (const auto& [key, entry] : managed.entries()) {
    owned.Add(entry.fields);
  }
  if (owned.Contains(last)) {
    return merged;
  }
  const auto fields_of = [&](const Json& value) {
    return WithNamedParents(root, FieldsOf(root, value));
  };
  const FieldSet all = fields_of(merged);
  const FieldSet last_named = WithNamedParents(root, last);
  const Json without_last = RemoveFields(root, merged, last_named);
  FieldSet kept = fields_of(without_last);
  kept.Add(WithNamedParents(root, owned));
  const Json owned_back = RemoveFields(root, merged, all.Difference(kept));
  // What was never this manager's stays, whoever owns it or not.
  return RemoveFields(root, merged, all.Difference(fields_of(owned_back)).Intersection(last_named));
}

Error PatchError(const Json& applied, const Error& cause) {
  return {ErrorCode::kBadRequest,
          "failed to create typed patch object (" + applied.At("metadata", "namespace").AsString() +
              "/" + applied.At("metadata", "name").AsString() + "; " +
              applied.At("apiVersion").AsString() + ", Kind=" + applied.At("kind").AsString() +
              "): " + cause.message};
}

/// Managed fields of the stored object, as the first apply sees them.
ManagedFields OwnersForApply(const CompiledSchema& schema, const Json& full_live, const Json& live,
                             const FieldWriter& writer) {
  ManagedFields managed = ManagedFields::FromJson(full_live.At("metadata", "managedFields"));
  if (managed.Empty()) {
    FieldWriter unknown = writer;
    unknown.manager = kBeforeFirstApply;
    unknown.subresource.clear();
    unknown.has_status_subresource = false;
    RecordUpdate(ChangeBy(unknown, schema, Json::EmptyObject(), live), unknown, managed);
  }
  return managed;
}

/// `managedFields: [{}]` asks for all entries to be forgotten.
bool IsReset(const Json& managed_fields) {
  return managed_fields.Items().size() == 1 && managed_fields.Items()[0].IsObject() &&
         managed_fields.Items()[0].Members().empty();
}

/// System metadata of the stored object stays. Identity is filled in where the configuration does
/// not name it, so that a caller can still refuse a wrong one.
void KeepSystemMetadata(const Json& before, Json& result) {
  constexpr std::array<std::string_view, 4> kIdentity = {"name", "namespace", "uid",
                                                         "resourceVersion"};
  for (const std::string_view name : kSystemMetadata) {
    const Json& stored = before.At("metadata", name);
    const bool identity = std::find(kIdentity.begin(), kIdentity.end(), name) != kIdentity.end();
    if (!identity && stored.IsNull()) {
      result["metadata"].Erase(name);
    } else if (!stored.IsNull() && (!identity || result.At("metadata", name).IsNull())) {
      result["metadata"].Set(name, stored);
    }
  }
}

/// Equal but for the members named; both are objects.
bool EqualBut(const Json& a, const Json& b, std::initializer_list<std::string_view> ignored) {
  const auto skip = [&](const Json::Member& member) {
    return std::find(ignored.begin(), ignored.end(), member.name) != ignored.end();
  };
  auto x = a.Members().begin();
  auto y = b.Members().begin();
  while (true) {
    x = std::find_if_not(x, a.Members().end(), skip);
    y = std::find_if_not(y, b.Members().end(), skip);
    if (x == a.Members().end() || y == b.Members().end()) {
      return x == a.Members().end() && y == b.Members().end();
    }
    if (*x != *y) {
      return false;
    }
    ++x;
    ++y;
  }
}

/// The same entries, whatever their times; their order depends on the times.
bool SameManagedFields(const Json& a, const Json& b) {
  const Json::Array& theirs = b.Items();
  return a.Items().size() == theirs.size() &&
         std::all_of(a.Items().begin(), a.Items().end(), [&](const Json& entry) {
           return std::any_of(theirs.begin(), theirs.end(),
                              [&](const Json& other) { return EqualBut(entry, other, {"time"}); });
         });
}

}  // namespace

Result<Json> ApplyConfiguration(const CompiledSchema& schema, const Json* live, const Json& applied,
                                const FieldWriter& writer, bool force) {
  const SchemaNode& root = schema.root();
  if (!applied.At("metadata", "managedFields").IsNull()) {
    return Fail(ErrorCode::kBadRequest, "metadata.managedFields must be nil");
  }
  if (auto fits = CheckTyped(root, applied); !fits) {
    return Fail(PatchError(applied, fits.error()));
  }
  Json config = WritableBy(writer, applied);
  const Json before = live == nullptr ? Json::EmptyObject() : WithoutManagedFields(*live);
  ManagedFields managed =
      live == nullptr ? ManagedFields() : OwnersForApply(schema, *live, before, writer);

  if (live != nullptr && writer.subresource.empty() && config.At("metadata", "name").IsNull()) {
    config["metadata"].Set("name", before.At("metadata", "name"));
  }

  const ManagerKey self = KeyOf(writer, true);
  const bool known = managed.entries().contains(self);
  const ManagedEntry last = known ? managed.entries().at(self) : ManagedEntry();
  FieldSet claimed = FieldsOf(root, config);
  KeepOwnableBy(writer, claimed);
  managed.entries()[self] = {std::move(claimed), writer.api_version, last.time};

  Json result = PruneLeftOut(root, Merge(root, before, config), managed, last.fields);
  if (live != nullptr) {
    KeepSystemMetadata(before, result);
  }
  if (managed.entries().size() > 1) {
    MIDWATCH_TRY(TakeFromOthers(managed, self, Compare(root, before, result), force));
  }
  DropUnowned(managed);
  const auto mine = managed.entries().find(self);
  if (mine != managed.entries().end() && (live == nullptr || result != before)) {
    mine->second.time = FormatTime(writer.now);
  }
  SetManagedFields(result, managed);
  return result;
}

void TrackUpdate(const CompiledSchema& schema, const Json* live, Json& updated,
                 const FieldWriter& writer) {
  const Json& sent = updated.At("metadata", "managedFields");
  const Json stored = live == nullptr ? Json() : live->At("metadata", "managedFields");
  std::optional<Comparison> change;
  if (live != nullptr && sent == stored) {  // Equal, they need not be left out to be compared.
    change = ChangeBy(writer, schema, *live, updated);
    if (auto moved = WithOwnTime(stored, *change, writer)) {
      updated["metadata"].Set("managedFields", *std::move(moved));
      return;
    }
  }
  ManagedFields managed = ManagedFields::FromJson(stored);
  if (writer.subresource.empty()) {  // A subresource does not let its clients set the entries.
    if (IsReset(sent)) {
      managed = {};
    } else if (ManagedFields from_client = ManagedFields::FromJson(sent); !from_client.Empty()) {
      managed = std::move(from_client);
    }
  }
  if (live == nullptr || !managed.Empty()) {
    // An object that nobody tracks stays so until an apply.
    if (!change) {
      const Json before = live == nullptr ? Json::EmptyObject() : WithoutManagedFields(*live);
      change = ChangeBy(writer, schema, before, WithoutManagedFields(updated));
    }
    RecordUpdate(*std::move(change), writer, managed);
  }
  SetManagedFields(updated, managed);
  if (live != nullptr && SameForStorage(*live, updated)) {
    updated["metadata"].Set("managedFields", stored);  // Nothing happened: no new times either.
    if (stored.IsNull()) {
      updated["metadata"].Erase("managedFields");
    }
  }
}

bool SameForStorage(const Json& a, const Json& b) {
  const Json& left = a.At("metadata");
  const Json& right = b.At("metadata");
  return EqualBut(a, b, {"metadata"}) &&
         EqualBut(left, right, {"resourceVersion", "generation", "managedFields"}) &&
         SameManagedFields(left.At("managedFields"), right.At("managedFields"));
}

}  // namespace midwatch::schema
