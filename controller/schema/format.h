#pragma once

#include <string_view>

namespace midwatch::schema {

/// True if the text has the `format` that a schema names: date-time, date, duration, byte, uuid,
/// uri, email, hostname, ipv4, ipv6, cidr. Formats that are not known accept everything, as in
/// Kubernetes. A duration has Go's syntax and is not negative.
bool HasFormat(std::string_view format, std::string_view text);

}  // namespace midwatch::schema
