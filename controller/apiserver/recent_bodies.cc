#include "controller/apiserver/recent_bodies.h"

#include <utility>

namespace midwatch::apiserver {

RecentBodies::~RecentBodies() {
  while (!kept_.empty()) {
    DropOldest();
  }
}

void RecentBodies::Keep(const Object& object, Json body) {
  object.KeepBody(std::move(body));
  bytes_ += object.bytes().size();
  kept_.push_back(object);
  while (bytes_ > max_bytes_) {
    DropOldest();
  }
}

void RecentBodies::DropOldest() {
  bytes_ -= kept_.front().bytes().size();
  kept_.front().DropBody();
  kept_.pop_front();
}

}  // namespace midwatch::apiserver
