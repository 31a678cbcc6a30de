#include "controller/manifest/golden_test_file.h"

#include <gtest/gtest.h>

#include <fstream>

namespace midwatch::manifest {

std::vector<std::string> GoldenLines(std::string_view name) {
  const std::string path =
      std::string(MIDWATCH_SOURCE_DIR "/controller/manifest/testdata/") + std::string(name);
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
  }
  return lines;
}

}  // namespace midwatch::manifest
