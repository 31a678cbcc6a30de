#include "controller/cmd/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace midwatch::cmd {
namespace {

constexpr std::size_t kWorthAThread = 64;  // Items; a thread costs what a few files cost.

}  // namespace

void InParallel(std::size_t count, const std::function<void(std::size_t)>& body) {
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      body(i);
    }
  };
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t helpers = std::min(cores, count / kWorthAThread + 1) - 1;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < helpers; ++i) {
    threads.emplace_back(work);
  }
  work();
}

}  // namespace midwatch::cmd
