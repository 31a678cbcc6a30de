#include "controller/sim/virtual_store.h"

#include <utility>

#include "controller/base/digest.h"

namespace midwatch::sim {
namespace {

constexpr Duration kAnswersAfter = std::chrono::milliseconds(1);

}  // namespace

std::string VirtualStore::Keep(std::string bytes) {
  const std::string digest = DigestOf(bytes);
  kept_[digest] = std::move(bytes);
  return digest;
}

void VirtualStore::Put(std::string bytes, std::function<void(Result<std::string>)> done) {
  scheduler_.After(kAnswersAfter,
                   [digest = DigestOf(bytes), done = std::move(done)] { done(digest); });
}

void VirtualStore::Get(std::string digest, std::function<void(Result<std::string>)> done) {
  scheduler_.After(kAnswersAfter, [this, digest = std::move(digest), done = std::move(done)] {
    const auto found = kept_.find(digest);
    if (found == kept_.end()) {
      return done(Fail(ErrorCode::kNotFound, "no such artifact"));
    }
    done(found->second);
  });
}

void VirtualStore::Append(std::string log, std::uint64_t offset, std::string bytes,
                          std::function<void(Result<std::uint64_t>)> done) {
  std::uint64_t& length = lengths_[log];
  const bool fits = length == offset;
  if (fits) {
    length += bytes.size();
  }
  scheduler_.After(kAnswersAfter, [fits, length, done = std::move(done)] {
    if (fits) {
      done(length);
    } else {
      done(Fail(ErrorCode::kConflict, "the log ends elsewhere"));
    }
  });
}

void VirtualStore::Read(std::string, std::uint64_t, std::size_t,
                        std::function<void(Result<std::string>)> done) {
  scheduler_.After(kAnswersAfter, [done = std::move(done)] { done(std::string()); });
}

}  // namespace midwatch::sim
