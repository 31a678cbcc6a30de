#include "controller/base/time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <utility>

namespace midwatch {
namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

struct Civil {
  int year, month, day, hour, minute, second, micros;
};

Civil ToCivil(WallTime time) {
  std::int64_t day_number = time.unix_micros / kMicrosPerDay;
  std::int64_t rest = time.unix_micros % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --day_number;
  }
  const year_month_day date{sys_days{days{day_number}}};
  const auto seconds = static_cast<int>(rest / kMicrosPerSecond);
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          seconds / 3600,
          seconds / 60 % 60,
          seconds % 60,
          static_cast<int>(rest % kMicrosPerSecond)};
}

/// Reads fixed-width pieces from the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool Digits(std::size_t count, int& value) {
    if (rest_.size() < count) {
      return false;
    }
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + count, value);
    if (error != std::errc{} || end != rest_.data() + count || value < 0) {
      return false;
    }
    rest_.remove_prefix(count);
    return true;
  }
  bool OneOf(std::string_view allowed, char& found) {
    if (rest_.empty() || allowed.find(rest_[0]) == std::string_view::npos) {
      return false;
    }
    found = rest_[0];
    rest_.remove_prefix(1);
    return true;
  }
  bool Literal(char c) {
    char found = 0;
    return OneOf(std::string_view(&c, 1), found);
  }
  bool Fraction(int& micros) {
    int scale = 100'000;
    std::size_t digits = 0;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      micros += (rest_[0] - '0') * scale;
      scale /= 10;
      rest_.remove_prefix(1);
      ++digits;
    }
    return digits >= 1 && digits <= 9;
  }
  bool Done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool ReadOffset(Reader& in, int& minutes) {
  char sign = 0;
  if (!in.OneOf("Zz+-", sign)) {
    return false;
  }
  if (sign == 'Z' || sign == 'z') {
    return true;
  }
  int hours = 0;
  int rest = 0;
  if (!in.Digits(2, hours) || !in.Literal(':') || !in.Digits(2, rest) || hours > 23 || rest > 59) {
    return false;
  }
  minutes = (hours * 60 + rest) * (sign == '-' ? -1 : 1);
  return true;
}

bool ReadCivil(Reader& in, Civil& c) {
  char t = 0;
  if (!in.Digits(4, c.year) || !in.Literal('-') || !in.Digits(2, c.month) || !in.Literal('-') ||
      !in.Digits(2, c.day) || !in.OneOf("Tt", t) || !in.Digits(2, c.hour) || !in.Literal(':') ||
      !in.Digits(2, c.minute) || !in.Literal(':') || !in.Digits(2, c.second)) {
    return false;
  }
  if (in.Literal('.') && !in.Fraction(c.micros)) {
    return false;
  }
  return c.hour <= 23 && c.minute <= 59 && c.second <= 60;
}

struct Unit {
  std::string_view name;
  double micros;
};
// Longer names first where one is a prefix of another.
constexpr std::array kUnits = {Unit{"ms", 1e3}, Unit{"us", 1.0}, Unit{"h", 3600e6}, Unit{"m", 60e6},
                               Unit{"s", 1e6}};

const Unit* UnitAtFront(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (text.starts_with(unit.name)) {
      return &unit;
    }
  }
  return nullptr;
}

/// As printf's %0*d, which takes several times as long.
void AppendPadded(int value, std::size_t width, std::string& out) {
  if (value < 0) {
    out += '-';
    --width;
  }
  const std::string digits = std::to_string(std::abs(value));
  out.append(width - std::min(width, digits.size()), '0').append(digits);
}

/// `2026-11-21T06:57:00`
std::string ToSeconds(const Civil& c) {
  std::string out;
  out.reserve(32);
  AppendPadded(c.year, 4, out);
  const std::pair<char, int> parts[] = {
      {'-', c.month}, {'-', c.day}, {'T', c.hour}, {':', c.minute}, {':', c.second}};
  for (const auto& [before, part] : parts) {
    out += before;
    AppendPadded(part, 2, out);
  }
  return out;
}

}  // namespace

std::string FormatTime(WallTime time) { return ToSeconds(ToCivil(time)) + "Z"; }

std::string FormatMicroTime(WallTime time) {
  const Civil c = ToCivil(time);
  std::string out = ToSeconds(c) + ".";
  AppendPadded(c.micros, 6, out);
  return out + "Z";
}

Result<WallTime> ParseTime(std::string_view text) {
  Reader in(text);
  Civil c{};
  int offset_minutes = 0;
  const year_month_day date =
      ReadCivil(in, c) ? year_month_day{year{c.year}, month{static_cast<unsigned>(c.month)},
                                        day{static_cast<unsigned>(c.day)}}
                       : year_month_day{};
  if (!date.ok() || !ReadOffset(in, offset_minutes) || !in.Done()) {
    return Fail(
        ErrorCode::kInvalid,
        "\"" + std::string(text) + "\": expected an RFC 3339 time such as 2026-01-31T09:00:00Z");
  }
  const std::int64_t day_number = sys_days{date}.time_since_epoch().count();
  const std::int64_t seconds = c.hour * 3600 + (c.minute - offset_minutes) * 60 + c.second;
  return WallTime{day_number * kMicrosPerDay + seconds * kMicrosPerSecond + c.micros};
}

Result<Duration> ParseDuration(std::string_view text) {
  const auto bad = [&] {
    return Fail(ErrorCode::kInvalid,
                "\"" + std::string(text) + "\": expected a duration such as 90s, 10m or 1h30m");
  };
  if (text == "0") {
    return Duration{0};
  }
  double total = 0;
  std::string_view rest = text;
  do {
    double number = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !(number >= 0) || rest[0] == '-') {  // Not a number either.
      return bad();
    }
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const Unit* unit = UnitAtFront(rest);
    if (unit == nullptr) {
      return bad();
    }
    total += number * unit->micros;
    rest.remove_prefix(unit->name.size());
  } while (!rest.empty());
  if (total > 9.0e18) {
    return bad();
  }
  return Duration{static_cast<std::int64_t>(total)};
}

std::string FormatDuration(Duration duration) {
  const std::int64_t micros = duration.count();
  const std::int64_t seconds = micros / kMicrosPerSecond;
  if (micros % kMicrosPerSecond != 0) {
    return seconds == 0 && micros % 1000 == 0 ? std::to_string(micros / 1000) + "ms"
                                              : std::to_string(micros) + "us";
  }
  std::string out;
  if (seconds >= 3600) {
    out += std::to_string(seconds / 3600) + "h";
  }
  if (seconds >= 60) {
    out += std::to_string(seconds / 60 % 60) + "m";
  }
  return out + std::to_string(seconds % 60) + "s";
}

std::string FormatAge(Duration age) {
  const std::int64_t s = age.count() / kMicrosPerSecond;
  const auto pair = [](std::int64_t big, char big_unit, std::int64_t small, char small_unit) {
    std::string out = std::to_string(big) + big_unit;
    return small == 0 ? out : out + std::to_string(small) + small_unit;
  };
  if (s < 0) {
    return s >= -1 ? "0s" : "<invalid>";
  }
  if (s < 120) {
    return std::to_string(s) + "s";
  }
  const std::int64_t minutes = s / 60;
  if (minutes < 10) {
    return pair(minutes, 'm', s % 60, 's');
  }
  if (minutes < 180) {
    return std::to_string(minutes) + "m";
  }
  const std::int64_t hours = s / 3600;
  if (hours < 8) {
    return pair(hours, 'h', minutes % 60, 'm');
  }
  if (hours < 48) {
    return std::to_string(hours) + "h";
  }
  const std::int64_t day_count = hours / 24;
  if (hours < 192) {
    return pair(day_count, 'd', hours % 24, 'h');
  }
  if (hours < 24 * 365 * 2) {
    return std::to_string(day_count) + "d";
  }
  const std::int64_t years = day_count / 365;
  return years < 8 ? pair(years, 'y', day_count % 365, 'd') : std::to_string(years) + "y";
}

}  // namespace midwatch
