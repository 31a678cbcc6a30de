#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace midwatch::http {

using SteadyTime = std::chrono::steady_clock::time_point;

/// One thread that waits for descriptors and for time. What waits on it lives on it: sockets and
/// timers are used on its thread only, and their callbacks run there.
class IoLoop {
 public:
  IoLoop();
  ~IoLoop();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  void Start();
  /// Runs `work` on the thread, later. False: the loop has stopped, and `work` is gone. Any thread.
  bool Post(std::function<void()> work);
  bool IsThisThread() const;
  /// Takes no more work, waits until nothing is waited for, and joins. Everything must have been
  /// closed and cancelled.
  void Stop();

 private:
  friend class IoSocket;
  friend class IoTimer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A descriptor on a loop; closes it. `ok` is false when the wait was ended by Close. One wait of
/// each sort at a time.
class IoSocket {
 public:
  using Ready = std::function<void(bool ok)>;

  IoSocket(IoLoop& loop, int fd);
  ~IoSocket();
  IoSocket(const IoSocket&) = delete;
  IoSocket& operator=(const IoSocket&) = delete;

  int fd() const { return fd_; }
  void WhenReadable(Ready ready);
  void WhenWritable(Ready ready);
  void Close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  const int fd_;
};

/// One instant to be called at.
class IoTimer {
 public:
  explicit IoTimer(IoLoop& loop);
  ~IoTimer();
  IoTimer(const IoTimer&) = delete;
  IoTimer& operator=(const IoTimer&) = delete;

  /// Takes the place of an earlier instant, whose callback does not run any more.
  void At(SteadyTime when, std::function<void()> call);
  void Cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace midwatch::http
