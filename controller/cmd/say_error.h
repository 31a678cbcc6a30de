#pragma once

#include <string_view>

namespace midwatch::cmd {

/// An error on standard error, as all commands say it. `hint` may be empty.
void SayError(std::string_view message, std::string_view hint = {});

}  // namespace midwatch::cmd
