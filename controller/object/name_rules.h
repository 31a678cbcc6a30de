#pragma once

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

}  // namespace midwatch
