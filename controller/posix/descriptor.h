#pragma once

#include <string>
#include <utility>

#include "controller/base/result.h"

namespace midwatch::posix {

/// Owns a file descriptor; closes it once.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void Close();

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

/// A pipe; both ends are closed on exec and lie above the standard descriptors.
Result<Pipe> MakePipe();
/// A pair of connected AF_UNIX SOCK_SEQPACKET sockets, likewise: messages keep their borders.
Result<std::pair<Descriptor, Descriptor>> MakeMessagePair();
/// An event counter for waking a poll loop; non-blocking.
Result<Descriptor> MakeEvent();
void Signal(const Descriptor& event);
void Drain(const Descriptor& event);

void SetNonBlocking(const Descriptor& descriptor);

/// `open /x/y: no such file or directory`, with the ErrorCode that fits `error` (an errno).
Error SystemError(const std::string& what, int error);

}  // namespace midwatch::posix
