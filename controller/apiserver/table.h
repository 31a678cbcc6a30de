#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/apiserver/resource_registry.h"
#include "controller/base/time.h"
#include "controller/object/object.h"

namespace midwatch::apiserver {

/// What a row of a table carries beside its cells.
enum class RowObject : std::uint8_t { kMetadata, kFull, kNone };

/// How meta.k8s.io Tables of one resource are made: the name, then its printer columns, or the age
/// where it has none.
struct TableForm {
  const ResourceInfo* resource = nullptr;
  std::string api_version = "meta.k8s.io/v1";
  RowObject row_object = RowObject::kMetadata;
};

struct ListHead {
  std::string resource_version;
  std::string continue_token = {};
  std::optional<std::int64_t> remaining = {};
};

/// A Table, serialised. `with_columns`: later events of a watch leave the column definitions out.
std::string MakeTable(const TableForm& form, const ListHead& head, const std::vector<Object>& rows,
                      WallTime now, bool with_columns = true);

/// The object as PartialObjectMetadata, serialised.
std::string MakePartial(const Object& object, std::string_view api_version);
std::string MakePartialList(const ListHead& head, const std::vector<Object>& items,
                            std::string_view api_version);

}  // namespace midwatch::apiserver
