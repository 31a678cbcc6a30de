#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace midwatch {

// Why a text is not acceptable as a name of that sort, in Kubernetes' words; nothing if it is
// (k8s.io/apimachinery/pkg/util/validation).
std::optional<std::string> CheckDnsSubdomain(std::string_view text);  ///< RFC 1123, 1 to 253.
std::optional<std::string> CheckDnsLabel(std::string_view text);      ///< RFC 1123, 1 to 63.
/// `name` or `example.com/name`: keys of labels and annotations, finalizers.
std::optional<std::string> CheckQualifiedName(std::string_view text);
std::optional<std::string> CheckLabelValue(std::string_view text);  ///< May be empty; at most 63.

/// Sets a label whose value is found elsewhere too, such as a name: what fits no label is left out.
void SetLabel(std::map<std::string, std::string, std::less<>>& labels, std::string_view key,
              std::string_view value);

/// The beginning of a name, at most so long, to which `-` and more may be appended.
std::string_view NameStem(std::string_view name, std::size_t longest);

/// Locks are Leases of such names; no AgentInstance, and no Lease of one, has any.
inline constexpr std::string_view kLockPrefix = "lock-";

}  // namespace midwatch
