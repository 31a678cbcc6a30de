#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace midwatch::manifest {

/// The lines of a file in testdata/. For tests alone; defined in golden_test_file_test.cc.
std::vector<std::string> GoldenLines(std::string_view name);

}  // namespace midwatch::manifest
