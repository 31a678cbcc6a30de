#include "controller/posix/descriptor.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace midwatch::posix {
namespace {

// Standard descriptors and those that a child is given start at 0: ours must never collide with
// them.
constexpr int kFirstOwn = 10;

Result<Descriptor> Raised(const Descriptor& low) {
  const int raised = fcntl(low.get(), F_DUPFD_CLOEXEC, kFirstOwn);
  if (raised < 0) return Fail(SystemError("duplicate descriptor", errno));
  return Descriptor(raised);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Descriptor::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Fail(SystemError("make pipe", errno));
  const Descriptor low_read(ends[0]);
  const Descriptor low_write(ends[1]);
  Pipe pipe;
  MIDWATCH_ASSIGN(pipe.read, Raised(low_read));
  MIDWATCH_ASSIGN(pipe.write, Raised(low_write));
  return pipe;
}

Result<std::pair<Descriptor, Descriptor>> MakeMessagePair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Fail(SystemError("make socket pair", errno));
  }
  const Descriptor low_first(ends[0]);
  const Descriptor low_second(ends[1]);
  std::pair<Descriptor, Descriptor> pair;
  MIDWATCH_ASSIGN(pair.first, Raised(low_first));
  MIDWATCH_ASSIGN(pair.second, Raised(low_second));
  return pair;
}

Result<Descriptor> MakeEvent() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return Fail(SystemError("make event", errno));
  return Raised(Descriptor(fd));
}

void Signal(const Descriptor& event) {
  const std::uint64_t one = 1;
  // A full counter is a set one.
  [[maybe_unused]] const ssize_t written = write(event.get(), &one, sizeof one);
}

void Drain(const Descriptor& event) {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(event.get(), &count, sizeof count);
}

void SetNonBlocking(const Descriptor& descriptor) {
  const int flags = fcntl(descriptor.get(), F_GETFL);
  fcntl(descriptor.get(), F_SETFL, flags | O_NONBLOCK);
}

Error SystemError(const std::string& what, int error) {
  ErrorCode code = ErrorCode::kInternal;
  switch (error) {
    case ENOENT:
      code = ErrorCode::kNotFound;
      break;
    case EEXIST:
      code = ErrorCode::kAlreadyExists;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = ErrorCode::kForbidden;
      break;
    case ENOSPC:
    case EDQUOT:
      code = ErrorCode::kInsufficientStorage;
      break;
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      code = ErrorCode::kUnavailable;
      break;
    default:
      break;
  }
  return {code, what + ": " + std::generic_category().message(error)};
}

}  // namespace midwatch::posix
