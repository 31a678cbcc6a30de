#pragma once

#include <map>
#include <string>

namespace midwatch::cmd {

/// This process's environment.
std::map<std::string, std::string> ReadEnvironment();

}  // namespace midwatch::cmd
