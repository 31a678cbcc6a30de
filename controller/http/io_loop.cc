#include "controller/http/io_loop.h"

#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <thread>
#include <utility>

namespace midwatch::http {

namespace asio = boost::asio;

struct IoLoop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  std::thread thread;
  std::mutex mutex;
  bool stopped = false;
};

IoLoop::IoLoop() : impl_(std::make_unique<Impl>()) {
  // The first timer or descriptor opens descriptors of the loop's own: now, not when none is left.
  const asio::steady_timer first(impl_->context);
}
IoLoop::~IoLoop() = default;

void IoLoop::Start() {
  impl_->thread = std::thread([this] { impl_->context.run(); });
}

bool IoLoop::Post(std::function<void()> work) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->stopped) {
    return false;
  }
  asio::post(impl_->context, std::move(work));
  return true;
}

bool IoLoop::IsThisThread() const { return impl_->context.get_executor().running_in_this_thread(); }

void IoLoop::Stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopped = true;
  }
  impl_->guard.reset();
  if (impl_->thread.joinable()) {
    impl_->thread.join();
  }
}

struct IoSocket::Impl {
  asio::posix::stream_descriptor descriptor;
};

IoSocket::IoSocket(IoLoop& loop, int fd)
    : impl_(std::make_unique<Impl>(Impl{asio::posix::stream_descriptor(loop.impl_->context)})),
      fd_(fd) {
  boost::system::error_code error;
  impl_->descriptor.assign(fd, error);
  if (error) {
    ::close(fd);  // Every wait will say that it is not ok.
  }
}
IoSocket::~IoSocket() = default;

void IoSocket::WhenReadable(Ready ready) {
  impl_->descriptor.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [ready = std::move(ready)](const boost::system::error_code& error) { ready(!error); });
}

void IoSocket::WhenWritable(Ready ready) {
  impl_->descriptor.async_wait(
      asio::posix::stream_descriptor::wait_write,
      [ready = std::move(ready)](const boost::system::error_code& error) { ready(!error); });
}

void IoSocket::Close() {
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
}

struct IoTimer::Impl {
  asio::steady_timer timer;
};

IoTimer::IoTimer(IoLoop& loop)
    : impl_(std::make_unique<Impl>(Impl{asio::steady_timer(loop.impl_->context)})) {}
IoTimer::~IoTimer() = default;

void IoTimer::At(SteadyTime when, std::function<void()> call) {
  impl_->timer.expires_at(when);
  impl_->timer.async_wait([call = std::move(call)](const boost::system::error_code& error) {
    if (!error) {
      call();
    }
  });
}

void IoTimer::Cancel() {
  boost::system::error_code ignored;
  impl_->timer.cancel(ignored);
}

}  // namespace midwatch::http
