#include "controller/posix/system_random.h"

#include <openssl/rand.h>

#include <utility>

#include "controller/base/check.h"

namespace midwatch::posix {

std::uint64_t SystemRandom::Next() {
  if (left_ == 0) {
    MIDWATCH_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(ready_.data()), sizeof ready_) == 1);
    left_ = ready_.size();
  }
  return std::exchange(ready_[--left_], 0);
}

std::unique_ptr<Random> SystemRandom::Fork(std::string_view) {
  return std::make_unique<SystemRandom>();
}

}  // namespace midwatch::posix
