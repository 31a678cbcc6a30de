#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace midwatch {

// Objects in the form that Json::Dump gives (no white space), looked into without parsing them.
// Text of another form is not found in, never read beyond its end.

/// The value of a member of an object, or nothing. A view into `object`.
std::optional<std::string_view> FindMember(std::string_view object, std::string_view name);

/// The same object with another `metadata.resourceVersion`. It has one already, maybe empty;
/// returned as it is otherwise.
std::string WithResourceVersion(std::string_view object, std::string_view version);

/// `apiVersion`, `kind` and `metadata` without managedFields, as an object of its own: what the
/// machinery reads.
std::string HeadOf(std::string_view object);

}  // namespace midwatch
