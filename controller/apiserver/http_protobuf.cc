#include "controller/apiserver/http_protobuf.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "controller/base/encoding.h"
#include "controller/base/text.h"
#include "controller/base/time.h"

namespace midwatch::apiserver {
namespace {

enum class Type : std::uint8_t {
  kString,  // Empty is absent.
  kText,    // Empty stays: pointers in Go.
  kBool,    // Likewise; only set where it was sent.
  kInt,
  kCount,  // An integer whose zero is absent.
  kTime,
  kMicroTime,
  kStringMap,
  kBytesMap,
  kRawJson,  // FieldsV1: the bytes are JSON.
  kMessage,
};

struct Message;
struct Field {
  std::uint32_t number;
  std::string_view name;
  Type type;
  bool repeated = false;
  const Message* message = nullptr;
};
struct Message {
  std::span<const Field> fields;
};

// Field numbers: generated.proto of k8s.io/apimachinery and k8s.io/api. Published, so they never
// change.
constexpr std::array kOwnerReferenceFields = {
    Field{1, "kind", Type::kString},     Field{3, "name", Type::kString},
    Field{4, "uid", Type::kString},      Field{5, "apiVersion", Type::kString},
    Field{6, "controller", Type::kBool}, Field{7, "blockOwnerDeletion", Type::kBool}};
constexpr Message kOwnerReference{kOwnerReferenceFields};

constexpr std::array kManagedFieldsFields = {
    Field{1, "manager", Type::kString},    Field{2, "operation", Type::kString},
    Field{3, "apiVersion", Type::kString}, Field{4, "time", Type::kTime},
    Field{6, "fieldsType", Type::kString}, Field{7, "fieldsV1", Type::kRawJson},
    Field{8, "subresource", Type::kString}};
constexpr Message kManagedFields{kManagedFieldsFields};

constexpr std::array kObjectMetaFields = {
    Field{1, "name", Type::kString},
    Field{2, "generateName", Type::kString},
    Field{3, "namespace", Type::kString},
    Field{5, "uid", Type::kString},
    Field{6, "resourceVersion", Type::kString},
    Field{7, "generation", Type::kCount},
    Field{8, "creationTimestamp", Type::kTime},
    Field{9, "deletionTimestamp", Type::kTime},
    Field{10, "deletionGracePeriodSeconds", Type::kInt},
    Field{11, "labels", Type::kStringMap},
    Field{12, "annotations", Type::kStringMap},
    Field{13, "ownerReferences", Type::kMessage, true, &kOwnerReference},
    Field{14, "finalizers", Type::kString, true},
    Field{17, "managedFields", Type::kMessage, true, &kManagedFields}};
constexpr Message kObjectMeta{kObjectMetaFields};
constexpr Field kMetadata{1, "metadata", Type::kMessage, false, &kObjectMeta};

constexpr std::array kNamespaceSpecFields = {Field{1, "finalizers", Type::kString, true}};
constexpr Message kNamespaceSpec{kNamespaceSpecFields};
constexpr std::array kNamespaceStatusFields = {Field{1, "phase", Type::kString}};
constexpr Message kNamespaceStatus{kNamespaceStatusFields};
constexpr std::array kNamespaceFields = {
    kMetadata, Field{2, "spec", Type::kMessage, false, &kNamespaceSpec},
    Field{3, "status", Type::kMessage, false, &kNamespaceStatus}};

constexpr std::array kConfigMapFields = {kMetadata, Field{2, "data", Type::kStringMap},
                                         Field{3, "binaryData", Type::kBytesMap},
                                         Field{4, "immutable", Type::kBool}};

constexpr std::array kSecretFields = {
    kMetadata, Field{2, "data", Type::kBytesMap}, Field{3, "type", Type::kString},
    Field{4, "stringData", Type::kStringMap}, Field{5, "immutable", Type::kBool}};

constexpr std::array kObjectReferenceFields = {
    Field{1, "kind", Type::kString},       Field{2, "namespace", Type::kString},
    Field{3, "name", Type::kString},       Field{4, "uid", Type::kString},
    Field{5, "apiVersion", Type::kString}, Field{6, "resourceVersion", Type::kString},
    Field{7, "fieldPath", Type::kString}};
constexpr Message kObjectReference{kObjectReferenceFields};
constexpr std::array kEventSourceFields = {Field{1, "component", Type::kString},
                                           Field{2, "host", Type::kString}};
constexpr Message kEventSource{kEventSourceFields};
constexpr std::array kEventSeriesFields = {Field{1, "count", Type::kCount},
                                           Field{2, "lastObservedTime", Type::kMicroTime}};
constexpr Message kEventSeries{kEventSeriesFields};
constexpr std::array kEventFields = {
    kMetadata,
    Field{2, "involvedObject", Type::kMessage, false, &kObjectReference},
    Field{3, "reason", Type::kString},
    Field{4, "message", Type::kString},
    Field{5, "source", Type::kMessage, false, &kEventSource},
    Field{6, "firstTimestamp", Type::kTime},
    Field{7, "lastTimestamp", Type::kTime},
    Field{8, "count", Type::kCount},
    Field{9, "type", Type::kString},
    Field{10, "eventTime", Type::kMicroTime},
    Field{11, "series", Type::kMessage, false, &kEventSeries},
    Field{12, "action", Type::kString},
    Field{13, "related", Type::kMessage, false, &kObjectReference},
    Field{14, "reportingComponent", Type::kString},
    Field{15, "reportingInstance", Type::kString}};

constexpr std::array kLeaseSpecFields = {
    Field{1, "holderIdentity", Type::kText},   Field{2, "leaseDurationSeconds", Type::kInt},
    Field{3, "acquireTime", Type::kMicroTime}, Field{4, "renewTime", Type::kMicroTime},
    Field{5, "leaseTransitions", Type::kInt},  Field{6, "strategy", Type::kText},
    Field{7, "preferredHolder", Type::kText}};
constexpr Message kLeaseSpec{kLeaseSpecFields};
constexpr std::array kLeaseFields = {kMetadata,
                                     Field{2, "spec", Type::kMessage, false, &kLeaseSpec}};

constexpr std::array kPreconditionsFields = {Field{1, "uid", Type::kText},
                                             Field{2, "resourceVersion", Type::kText}};
constexpr Message kPreconditions{kPreconditionsFields};
constexpr std::array kDeleteOptionsFields = {
    Field{1, "gracePeriodSeconds", Type::kInt},
    Field{2, "preconditions", Type::kMessage, false, &kPreconditions},
    Field{3, "orphanDependents", Type::kBool}, Field{4, "propagationPolicy", Type::kText},
    Field{5, "dryRun", Type::kString, true}};

constexpr std::array kResourceAttributesFields = {
    Field{1, "namespace", Type::kString}, Field{2, "verb", Type::kString},
    Field{3, "group", Type::kString},     Field{4, "version", Type::kString},
    Field{5, "resource", Type::kString},  Field{6, "subresource", Type::kString},
    Field{7, "name", Type::kString}};
constexpr Message kResourceAttributes{kResourceAttributesFields};
constexpr std::array kNonResourceAttributesFields = {Field{1, "path", Type::kString},
                                                     Field{2, "verb", Type::kString}};
constexpr Message kNonResourceAttributes{kNonResourceAttributesFields};
constexpr std::array kAccessReviewSpecFields = {
    Field{1, "resourceAttributes", Type::kMessage, false, &kResourceAttributes},
    Field{2, "nonResourceAttributes", Type::kMessage, false, &kNonResourceAttributes}};
constexpr Message kAccessReviewSpec{kAccessReviewSpecFields};
constexpr std::array kAccessReviewFields = {
    kMetadata, Field{2, "spec", Type::kMessage, false, &kAccessReviewSpec}};
constexpr std::array kRulesReviewSpecFields = {Field{1, "namespace", Type::kString}};
constexpr Message kRulesReviewSpec{kRulesReviewSpecFields};
constexpr std::array kRulesReviewFields = {
    kMetadata, Field{2, "spec", Type::kMessage, false, &kRulesReviewSpec}};
constexpr std::array kSelfReviewFields = {kMetadata};

struct Kind {
  std::string_view kind;
  Message message;
};
constexpr std::array kKinds = {
    Kind{"Namespace", {kNamespaceFields}},
    Kind{"ConfigMap", {kConfigMapFields}},
    Kind{"Secret", {kSecretFields}},
    Kind{"Event", {kEventFields}},
    Kind{"Lease", {kLeaseFields}},
    Kind{"DeleteOptions", {kDeleteOptionsFields}},
    Kind{"SelfSubjectAccessReview", {kAccessReviewFields}},
    Kind{"SelfSubjectRulesReview", {kRulesReviewFields}},
    Kind{"SelfSubjectReview", {kSelfReviewFields}},
};

/// Field and value of one entry on the wire (protobuf.dev, "Encoding").
struct Entry {
  std::uint32_t number = 0;
  bool is_bytes = false;
  std::uint64_t integer = 0;
  std::string_view bytes;
};

tl::unexpected<Error> Malformed(std::string_view what) {
  return Fail(ErrorCode::kBadRequest, "the body is no valid protobuf: " + std::string(what));
}

class Wire {
 public:
  explicit Wire(std::string_view bytes) : rest_(bytes) {}

  bool AtEnd() const { return rest_.empty(); }

  Result<Entry> Next() {
    MIDWATCH_ASSIGN(const std::uint64_t tag, Varint());
    Entry entry;
    entry.number = static_cast<std::uint32_t>(tag >> 3);
    switch (tag & 7) {
      case 0: {
        MIDWATCH_ASSIGN(entry.integer, Varint());
        return entry;
      }
      case 1:
        return Fixed(entry, 8);
      case 5:
        return Fixed(entry, 4);
      case 2: {
        MIDWATCH_ASSIGN(const std::uint64_t size, Varint());
        entry.is_bytes = true;
        if (size > rest_.size()) {
          return Malformed("a field is longer than its message");
        }
        entry.bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return entry;
      }
      default:
        return Malformed("unknown wire type");
    }
  }

 private:
  Result<Entry> Fixed(Entry entry, std::size_t size) {
    if (rest_.size() < size) {
      return Malformed("a field is cut off");
    }
    rest_.remove_prefix(size);
    return entry;
  }

  Result<std::uint64_t> Varint() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < rest_.size() && i < 10; ++i) {
      const auto byte = static_cast<unsigned char>(rest_[i]);
      value |= std::uint64_t{byte & 0x7fU} << (7 * i);
      if ((byte & 0x80U) == 0) {
        rest_.remove_prefix(i + 1);
        return value;
      }
    }
    return Malformed("a number does not end");
  }

  std::string_view rest_;
};

Result<Json> DecodeTime(std::string_view bytes, bool micro) {
  constexpr std::int64_t kMaxSeconds = 253'402'300'799;  // The end of the year 9999.
  Wire wire(bytes);
  bool any = false;
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  while (!wire.AtEnd()) {
    MIDWATCH_ASSIGN(const Entry entry, wire.Next());
    any = true;
    (entry.number == 1 ? seconds : nanos) = static_cast<std::int64_t>(entry.integer);
  }
  // Go's zero time is written as the year 1.
  constexpr std::int64_t kGoZero = -62'135'596'800;
  if (!any || seconds == kGoZero) {
    return Json();
  }
  if (seconds < kGoZero || seconds > kMaxSeconds || nanos < 0 || nanos > 999'999'999) {
    return Malformed("a time is out of range");
  }
  const WallTime time{seconds * 1'000'000 + nanos / 1000};
  return Json(micro ? FormatMicroTime(time) : FormatTime(time));
}

/// Sorts the entries of a map, the last of equal names wins. Once per map: inserting each where it
/// belongs takes minutes for a large one in descending order.
void SortEntries(Json::Object& entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Json::Member& a, const Json::Member& b) { return a.name < b.name; });
  const auto first =
      std::unique(entries.rbegin(), entries.rend(),
                  [](const Json::Member& a, const Json::Member& b) { return a.name == b.name; });
  entries.erase(entries.begin(), first.base());
}

bool IsMap(const Field& field) {
  return field.type == Type::kStringMap || field.type == Type::kBytesMap;
}

/// Makes the values of one body, no more than ParseJson makes of one.
class Decoder {
 public:
  Result<Json> DecodeMessage(const Message& message, std::string_view bytes) {
    Wire wire(bytes);
    Json object = Json::EmptyObject();
    while (!wire.AtEnd()) {
      MIDWATCH_ASSIGN(const Entry entry, wire.Next());
      for (const Field& field : message.fields) {
        if (field.number == entry.number) {
          MIDWATCH_TRY(DecodeInto(field, entry, object));
        }
      }
    }
    for (const Field& field : message.fields) {
      if (Json* const map = IsMap(field) ? object.FindMutable(field.name) : nullptr) {
        SortEntries(map->MutableMembers());
      }
    }
    return object;
  }

 private:
  Result<void> DecodeInto(const Field& field, const Entry& entry, Json& object) {
    if (constexpr std::size_t kMost = JsonLimits{}.nodes; ++values_ > kMost) {
      return Malformed("more than " + std::to_string(kMost) + " values");
    }
    if (IsMap(field)) {
      return DecodeMapEntry(entry.bytes, field.type == Type::kBytesMap, object[field.name]);
    }
    MIDWATCH_ASSIGN(Json value, DecodeValue(field, entry));
    if (field.repeated) {
      object[field.name].Append(std::move(value));
    } else if (!value.IsNull()) {
      object.Set(field.name, std::move(value));
    }
    return {};
  }

  /// Adds it as the last one, in whatever order.
  static Result<void> DecodeMapEntry(std::string_view bytes, bool is_bytes, Json& map) {
    Wire wire(bytes);
    std::string key;
    std::string value;
    while (!wire.AtEnd()) {
      MIDWATCH_ASSIGN(const Entry entry, wire.Next());
      if (entry.is_bytes) {
        (entry.number == 1 ? key : value) = entry.bytes;
      }
    }
    if (FindInvalidUtf8(key) || (!is_bytes && FindInvalidUtf8(value))) {
      return Malformed("a text is no UTF-8");
    }
    map.MutableMembers().push_back({std::move(key), is_bytes ? Base64Encode(value) : value});
    return {};
  }

  Result<Json> DecodeValue(const Field& field, const Entry& entry) {
    if (entry.is_bytes) {
      return DecodeBytes(field, entry.bytes);
    }
    switch (field.type) {
      case Type::kBool:
        return Json(entry.integer != 0);
      case Type::kInt:
      case Type::kCount: {
        const auto value = static_cast<std::int64_t>(entry.integer);
        return value == 0 && field.type == Type::kCount ? Json() : Json(value);
      }
      default:
        return Malformed(std::string(field.name) + " has an unexpected type");
    }
  }

  /// Null stands for a value that is left out.
  Result<Json> DecodeBytes(const Field& field, std::string_view bytes) {
    switch (field.type) {
      case Type::kString:
      case Type::kText:
        if (FindInvalidUtf8(bytes)) {
          return Malformed(std::string(field.name) + " is no UTF-8");
        }
        return bytes.empty() && field.type == Type::kString ? Json() : Json(bytes);
      case Type::kTime:
      case Type::kMicroTime:
        return DecodeTime(bytes, field.type == Type::kMicroTime);
      case Type::kRawJson:
        return DecodeRawJson(bytes);
      case Type::kMessage:
        return DecodeMessage(*field.message, bytes);
      default:
        return Malformed(std::string(field.name) + " has an unexpected type");
    }
  }

  static Result<Json> DecodeRawJson(std::string_view bytes) {
    Wire wire(bytes);
    while (!wire.AtEnd()) {
      MIDWATCH_ASSIGN(const Entry entry, wire.Next());
      if (entry.number == 1 && entry.is_bytes && !entry.bytes.empty()) {
        return ParseJson(entry.bytes);
      }
    }
    return Json();
  }

  std::size_t values_ = 0;
};

}  // namespace

Result<Json> DecodeProtobuf(std::string_view body) {
  constexpr std::string_view kMagic("k8s\0", 4);
  if (!body.starts_with(kMagic)) {
    return Malformed("the envelope of Kubernetes is missing");
  }
  Wire wire(body.substr(kMagic.size()));
  Decoder decoder;
  std::string api_version;
  std::string kind;
  std::string_view raw;
  while (!wire.AtEnd()) {
    MIDWATCH_ASSIGN(const Entry entry, wire.Next());
    if (entry.number == 2) {
      raw = entry.bytes;
    } else if (entry.number == 1) {
      static constexpr std::array kTypeMeta = {Field{1, "apiVersion", Type::kString},
                                               Field{2, "kind", Type::kString}};
      MIDWATCH_ASSIGN(const Json type, decoder.DecodeMessage({kTypeMeta}, entry.bytes));
      api_version = type.At("apiVersion").AsString();
      kind = type.At("kind").AsString();
    }
  }
  for (const Kind& known : kKinds) {
    if (known.kind == kind) {
      MIDWATCH_ASSIGN(Json object, decoder.DecodeMessage(known.message, raw));
      object.Set("apiVersion", api_version);
      object.Set("kind", kind);
      return object;
    }
  }
  return Fail(ErrorCode::kUnsupportedMediaType,
              "protobuf bodies are read for core kinds only, not for " + Quote(kind) +
                  ": send application/json");
}

}  // namespace midwatch::apiserver
