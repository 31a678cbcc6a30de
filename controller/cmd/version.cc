#include "controller/cmd/version.h"

namespace midwatch::cmd {

constinit const std::string_view kVersion = MIDWATCH_VERSION;

}  // namespace midwatch::cmd
