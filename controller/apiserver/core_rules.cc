#include "controller/apiserver/core_rules.h"

#include <algorithm>

#include "controller/base/encoding.h"

namespace midwatch::apiserver {
namespace {

bool Is(const ResourceInfo& resource, std::string_view name) {
  return resource.builtin && resource.type.group.empty() && resource.type.plural == name;
}

/// What is not of the right type stays where it is, to be refused.
void MergeStringData(Json& secret) {
  const Json texts = secret.At("stringData");
  const Json& data = secret.At("data");
  const bool fits = (texts.IsNull() || texts.IsObject()) && (data.IsNull() || data.IsObject()) &&
                    std::all_of(texts.Members().begin(), texts.Members().end(),
                                [](const Json::Member& text) { return text.value.IsString(); });
  if (!fits) {
    return;
  }
  for (const Json::Member& member : texts.Members()) {
    secret["data"].Set(member.name, Base64Encode(member.value.AsString()));
  }
  secret.Erase("stringData");
}

}  // namespace

void PrepareCore(const ResourceInfo& resource, bool created, Json& object) {
  if (Is(resource, kNamespaces)) {
    object["metadata"]["labels"].Set("kubernetes.io/metadata.name", object.At("metadata", "name"));
    const Json::Array& held = object.At("spec", "finalizers").Items();
    if (created && std::find(held.begin(), held.end(), Json(kNamespaceFinalizer)) == held.end()) {
      object["spec"]["finalizers"].Append(kNamespaceFinalizer);
    }
  } else if (Is(resource, kSecrets)) {
    MergeStringData(object);
  }
}

void KeepCore(const ResourceInfo& resource, const Json& old, Json& object) {
  if (Is(resource, kNamespaces)) {
    if (const Json* held = old.At("spec").Find("finalizers")) {
      object["spec"].Set("finalizers", *held);
    }
  }
}

void HideValues(const ResourceInfo& resource, std::vector<schema::FieldError>& errors) {
  if (!Is(resource, kSecrets)) {
    return;
  }
  for (schema::FieldError& error : errors) {
    const bool content = error.field.starts_with("data") || error.field.starts_with("stringData");
    if (content && error.reason == schema::CauseReason::kTypeInvalid) {
      error.message = "Invalid value: not of the expected type";
    } else if (content && error.reason == schema::CauseReason::kInvalid) {
      error.message = "Invalid value: not of the expected form";
    }
  }
}

Json Showable(const ResourceInfo& resource, Json body) {
  return Is(resource, kSecrets) ? Json::EmptyObject() : std::move(body);
}

std::vector<schema::FieldError> ValidateCore(const ResourceInfo& resource, const Json& object) {
  if (!Is(resource, kEvents)) {
    return {};
  }
  const Json& involved = object.At("involvedObject", "namespace");
  const std::string wanted = involved.AsString().empty() ? "default" : involved.AsString();
  if (object.At("metadata", "namespace").AsString() == wanted) {
    return {};
  }
  return {schema::Invalid("involvedObject.namespace", involved.AsString(),
                          "does not match event.namespace")};
}

bool HeldBySpec(const ResourceInfo& resource, const Json& object) {
  return Is(resource, kNamespaces) && !object.At("spec", "finalizers").Items().empty();
}

void BeginDeletion(const ResourceInfo& resource, Json& object) {
  if (Is(resource, kNamespaces)) {
    object["status"].Set("phase", "Terminating");
  }
}

std::optional<WallTime> ExpiryOf(const ResourceInfo& resource, const Json& object, Duration ttl) {
  if (!Is(resource, kEvents)) {
    return std::nullopt;
  }
  WallTime last;
  for (const Json* text : {&object.At("metadata", "creationTimestamp"), &object.At("lastTimestamp"),
                           &object.At("eventTime"), &object.At("series", "lastObservedTime")}) {
    if (const auto time = ParseTime(text->AsString())) {
      last = std::max(last, *time);
    }
  }
  return last + ttl;
}

}  // namespace midwatch::apiserver
