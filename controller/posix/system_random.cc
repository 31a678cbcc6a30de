#include "controller/posix/system_random.h"

#include <openssl/rand.h>

#include "controller/base/check.h"

namespace midwatch::posix {

std::uint64_t SystemRandom::Next() {
  std::uint64_t value = 0;
  MIDWATCH_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof value) == 1);
  return value;
}

std::unique_ptr<Random> SystemRandom::Fork(std::string_view) {
  return std::make_unique<SystemRandom>();
}

}  // namespace midwatch::posix
