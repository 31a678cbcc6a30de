#include "controller/artifacts/log_followers.h"

#include <utility>
#include <vector>

namespace midwatch::artifacts {
namespace {

constexpr std::size_t kReadPiece = std::size_t{256} << 10;

}  // namespace

void LogFollowers::Follow(std::string log, std::uint64_t offset,
                          std::unique_ptr<HttpResponder> responder,
                          std::function<HttpResponse(const Error&)> refuse, Authorize authorize) {
  const std::shared_ptr<HttpResponder> held = std::move(responder);
  Follower made;
  made.log = log;
  made.offset = offset;
  made.authorize = std::move(authorize);
  store_.Read(log, offset, kMaxFollowBacklog + 1,
              [self = shared_from_this(), held, refuse = std::move(refuse),
               follower = std::move(made)](const Result<std::string>& bytes) {
                if (bytes) {
                  self->Begin(follower, *bytes, *held, refuse);
                } else if (bytes.error().code == ErrorCode::kNotFound) {
                  self->Begin(follower, {}, *held, refuse);
                } else {
                  held->Respond(refuse(bytes.error()));
                }
              });
}

void LogFollowers::Begin(Follower follower, std::string backlog, HttpResponder& responder,
                         const std::function<HttpResponse(const Error&)>& refuse) {
  if (backlog.size() > kMaxFollowBacklog) {
    responder.Respond(
        refuse({ErrorCode::kInvalid, "follow: more than " + std::to_string(kMaxFollowBacklog) +
                                         " bytes after the offset, read them first"}));
    return;
  }
  std::uint64_t id = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (!stopped_) {
      id = next_id_++;
      follower.offset += backlog.size();
      follower.reading = true;
      followers_[id] = std::move(follower);
    }
  }
  if (id == 0) {
    responder.Respond(refuse({ErrorCode::kUnavailable, "the server is stopping"}));
    return;
  }
  HttpResponse head;
  head.headers = {{"Content-Type", "application/jsonl"}};
  auto stream = responder.Stream(std::move(head), [weak = weak_from_this(), id] {
    if (const auto self = weak.lock()) {
      self->Remove(id);
    }
  });
  if (stream == nullptr) {
    Remove(id);
    responder.Respond(refuse({ErrorCode::kTooManyRequests,
                              "too many followed logs of this user at once, please try again "
                              "later"}));
    return;
  }
  if (!backlog.empty()) {
    stream->Write(std::move(backlog));
  }
  {
    const std::scoped_lock lock(mutex_);
    const auto found = followers_.find(id);
    if (found == followers_.end()) {
      return;  // Gone already.
    }
    found->second.stream = std::move(stream);
  }
  Read(id);  // What was appended meanwhile.
}

void LogFollowers::Appended(const std::string& log) {
  std::vector<std::uint64_t> idle;
  {
    const std::scoped_lock lock(mutex_);
    for (auto& [id, follower] : followers_) {
      if (follower.log != log) {
        continue;
      }
      if (follower.reading) {
        follower.again = true;
      } else {
        follower.reading = true;
        idle.push_back(id);
      }
    }
  }
  for (const std::uint64_t id : idle) {
    Read(id);
  }
}

void LogFollowers::Read(std::uint64_t id) {
  std::string log;
  std::uint64_t offset = 0;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = followers_.find(id);
    if (found == followers_.end()) {
      return;
    }
    found->second.again = false;
    log = found->second.log;
    offset = found->second.offset;
  }
  store_.Read(std::move(log), offset, kReadPiece,
              [self = shared_from_this(), id](const Result<std::string>& bytes) {
                self->OnRead(id, bytes);
              });
}

void LogFollowers::OnRead(std::uint64_t id, const Result<std::string>& bytes) {
  Authorize authorize;
  const bool got = bytes && !bytes->empty();
  {
    const std::scoped_lock lock(mutex_);
    const auto found = followers_.find(id);
    if (found == followers_.end()) {
      return;
    }
    Follower& follower = found->second;
    if (!got && !follower.again) {
      follower.reading = false;
      return;
    }
    authorize = follower.authorize;
  }
  if (!got) {
    Read(id);
    return;
  }
  authorize([self = shared_from_this(), id, bytes = *bytes](const Result<void>& allowed) {
    allowed ? self->Send(id, bytes) : self->End(id);
  });
}

void LogFollowers::Send(std::uint64_t id, const std::string& bytes) {
  std::shared_ptr<HttpStream> stream;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = followers_.find(id);
    if (found == followers_.end()) {
      return;
    }
    found->second.offset += bytes.size();
    stream = found->second.stream;
  }
  if (!stream->Write(bytes)) {
    Remove(id);
    return;
  }
  Read(id);
}

void LogFollowers::End(std::uint64_t id) {
  std::shared_ptr<HttpStream> stream;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = followers_.find(id); found != followers_.end()) {
      stream = std::move(found->second.stream);
      followers_.erase(found);
    }
  }
  if (stream != nullptr) {
    stream->End();
  }
}

void LogFollowers::Remove(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  followers_.erase(id);
}

void LogFollowers::Stop() {
  std::map<std::uint64_t, Follower> ended;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    ended.swap(followers_);
  }
  for (const auto& [id, follower] : ended) {
    if (follower.stream != nullptr) {
      follower.stream->End();
    }
  }
}

std::size_t LogFollowers::size() const {
  const std::scoped_lock lock(mutex_);
  return followers_.size();
}

}  // namespace midwatch::artifacts
