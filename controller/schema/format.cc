#include "controller/schema/format.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "controller/base/encoding.h"
#include "controller/base/text.h"
#include "controller/base/time.h"
#include "controller/object/name_rules.h"

namespace midwatch::schema {
namespace {

bool IsAddress(std::string_view text, int family) {
  std::array<unsigned char, 16> address{};
  return inet_pton(family, std::string(text).c_str(), address.data()) == 1;
}
bool IsIpv4(std::string_view text) { return IsAddress(text, AF_INET); }
bool IsIpv6(std::string_view text) { return IsAddress(text, AF_INET6); }

bool IsCidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return false;
  }
  const std::string_view address = text.substr(0, slash);
  const std::string_view rest = text.substr(slash + 1);
  int bits = -1;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), bits);
  return error == std::errc{} && end == rest.data() + rest.size() && bits >= 0 &&
         ((IsIpv4(address) && bits <= 32) || (IsIpv6(address) && bits <= 128));
}

bool IsUuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  const auto fits = [](char shape, char c) {
    return shape == '-' ? c == '-' : std::isxdigit(static_cast<unsigned char>(c)) != 0;
  };
  return text.size() == kShape.size() &&
         std::equal(kShape.begin(), kShape.end(), text.begin(), fits);
}

/// Like Go's url.ParseRequestURI: an absolute URI or an absolute path, no blanks.
bool IsUri(std::string_view text) {
  const auto printable = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7F; };
  if (text.empty() || !std::all_of(text.begin(), text.end(), printable)) {
    return false;
  }
  const std::size_t colon = text.find(':');
  const auto in_scheme = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
  };
  return text[0] == '/' ||
         (colon != std::string_view::npos && colon > 0 && colon + 1 < text.size() &&
          std::isalpha(static_cast<unsigned char>(text[0])) != 0 &&
          std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), in_scheme));
}

bool IsEmail(std::string_view text) {
  const std::size_t at = text.rfind('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find_first_of(" \t\r\n<>") == std::string_view::npos;
}

bool IsHostname(std::string_view text) { return !CheckDnsSubdomain(ToLower(text)); }
bool IsDateTime(std::string_view text) { return ParseTime(text).has_value(); }
bool IsDate(std::string_view text) {
  return text.size() == 10 && ParseTime(std::string(text) + "T00:00:00Z").has_value();
}
bool IsDuration(std::string_view text) { return ParseDuration(text).has_value(); }
bool IsBase64(std::string_view text) { return Base64Decode(text).has_value(); }

struct Format {
  std::string_view name;
  bool (*accepts)(std::string_view);
};
constexpr std::array kFormats = {
    Format{"date-time", IsDateTime},
    Format{"datetime", IsDateTime},
    Format{"date", IsDate},
    Format{"duration", IsDuration},
    Format{"byte", IsBase64},
    Format{"uuid", IsUuid},
    Format{"uri", IsUri},
    Format{"email", IsEmail},
    Format{"hostname", IsHostname},
    Format{"ipv4", IsIpv4},
    Format{"ipv6", IsIpv6},
    Format{"cidr", IsCidr},
};

}  // namespace

bool HasFormat(std::string_view format, std::string_view text) {
  for (const Format& known : kFormats) {
    if (known.name == format) {
      return known.accepts(text);
    }
  }
  return true;
}

}  // namespace midwatch::schema
