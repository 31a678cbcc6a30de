#include "controller/cmd/environment.h"

#include <string_view>

extern char** environ;  // NOLINT: POSIX leaves it to programs to declare.

namespace midwatch::cmd {

std::map<std::string, std::string> ReadEnvironment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    out.emplace(text.substr(0, equals),
                equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1));
  }
  return out;
}

}  // namespace midwatch::cmd
