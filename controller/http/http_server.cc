#include "controller/http/http_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "controller/base/text.h"
#include "controller/http/server_core.h"

namespace midwatch::http {
namespace {

constexpr int kBacklog = 1024;
constexpr int kAcceptBurst = 64;

std::string AddressText(const sockaddr_storage& address, bool with_port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return text.data() + (with_port ? ":" + std::to_string(ntohs(v4.sin_port)) : std::string());
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return with_port ? "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port))
                   : std::string(text.data());
}

std::uint16_t PortOf(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                   : reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

bool ParseAddress(const std::string& text, std::uint16_t port, sockaddr_storage& address,
                  socklen_t& size) {
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    size = sizeof(v4);
    return true;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  size = sizeof(v6);
  return inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1;
}

}  // namespace

Result<void> HttpServer::Core::Listen() {
  sockaddr_storage address{};
  socklen_t size = 0;
  if (!ParseAddress(options.address, options.port, address, size)) {
    return Fail(ErrorCode::kInvalid,
                "listen address " + Quote(options.address) + ": expected an IP address");
  }
  const auto failed = [this](std::string_view what) {
    return Fail(ErrorCode::kUnavailable, std::string(what) + " on " + options.address + ":" +
                                             std::to_string(options.port) + ": " +
                                             std::strerror(errno));
  };
  const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return failed("cannot open a socket");
  }
  acceptor = std::make_unique<IoSocket>(workers[0]->loop, fd);
  accept_timer = std::make_unique<IoTimer>(workers[0]->loop);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(fd, kBacklog) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return failed("cannot listen");
  }
  port = PortOf(address);
  return {};
}

void HttpServer::Core::Run() {
  for (const auto& worker : workers) {
    worker->loop.Start();
  }
  workers[0]->loop.Post([self = shared_from_this()] { self->WaitForConnection(); });
}

void HttpServer::Core::WaitForConnection() {
  if (stopping) {
    return;
  }
  acceptor->WhenReadable([self = shared_from_this()](bool ok) {
    if (ok && !self->stopping) {
      self->AcceptAll();
    }
  });
}

void HttpServer::Core::AcceptAll() {
  for (int i = 0; i < kAcceptBurst; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    const int fd = ::accept4(acceptor->fd(), reinterpret_cast<sockaddr*>(&address), &size,
                             SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      Adopt(fd, address);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      PauseAccepting();
      return;
    }
    if (errno == EAGAIN) {
      break;
    }
    // The rest concern the one connection that went away before it was accepted.
  }
  WaitForConnection();
}

/// No descriptor is free for the connections that wait: idle ones make room.
void HttpServer::Core::PauseAccepting() {
  metrics.Count("midwatch_http_refused_total", {{"reason", "descriptors"}});
  for (const ConnectionTable::Id id : table.EvictIdle(kAcceptBurst)) {
    Evict(id);
  }
  accept_timer->At(std::chrono::steady_clock::now() + options.limits.accept_backoff,
                   [self = shared_from_this()] {
                     if (!self->stopping) {
                       self->AcceptAll();
                     }
                   });
}

void HttpServer::Core::Adopt(int fd, const sockaddr_storage& address) {
  const ConnectionTable::Admission admission = table.Admit(AddressText(address, false));
  if (admission.evict) {
    Evict(*admission.evict);
  }
  if (admission.id == 0) {
    metrics.Count("midwatch_http_refused_total", {{"reason", "connections"}});
    ::close(fd);
    return;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const auto& worker = workers[next_worker++ % workers.size()];
  const bool adopted = worker->loop.Post([self = shared_from_this(), worker, fd, id = admission.id,
                                          peer = AddressText(address, true)] {
    auto connection = std::make_shared<Connection>(self, worker, fd, id, peer);
    worker->connections.emplace(id, connection);
    connection->Start();
    if (self->stopping) {
      connection->BeginStop();
    }
  });
  if (!adopted) {
    ::close(fd);
    table.Remove(admission.id);
  }
  metrics.Set("midwatch_http_connections", {}, static_cast<double>(table.Size()));
}

void HttpServer::Core::Evict(ConnectionTable::Id id) {
  for (const auto& worker : workers) {
    worker->loop.Post([worker, id] {
      if (const auto found = worker->connections.find(id); found != worker->connections.end()) {
        const auto connection = found->second;
        connection->CloseIfIdle();
      }
    });
  }
}

void HttpServer::Core::Removed(ConnectionTable::Id id) {
  table.Remove(id);
  metrics.Set("midwatch_http_connections", {}, static_cast<double>(table.Size()));
  const std::lock_guard lock(mutex);
  changed.notify_all();
}

template <typename F>
void HttpServer::Core::OnEveryConnection(F visit) {
  for (const auto& worker : workers) {
    worker->loop.Post([worker, visit] {
      const auto copy = worker->connections;
      for (const auto& [id, connection] : copy) {
        visit(id, *connection);
      }
    });
  }
}

void HttpServer::Core::Stop(Duration grace) {
  if (std::exchange(joined, true)) {
    return;
  }
  stopping = true;
  workers[0]->loop.Post([self = shared_from_this()] {
    self->acceptor->Close();
    self->accept_timer->Cancel();
  });
  OnEveryConnection([](ConnectionTable::Id, Connection& connection) { connection.BeginStop(); });
  const auto empty = [this] { return table.Size() == 0; };
  std::unique_lock lock(mutex);
  if (!changed.wait_for(lock, grace, empty)) {
    lock.unlock();
    OnEveryConnection([](ConnectionTable::Id, Connection& connection) { connection.Close(); });
    lock.lock();
    changed.wait(lock, empty);
  }
  lock.unlock();
  for (const auto& worker : workers) {
    worker->loop.Stop();
  }
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const ServerOptions& options,
                                                      HttpHandler& handler, Log& log,
                                                      Metrics& metrics) {
  const auto core = std::make_shared<Core>(options, handler, log, metrics);
  if (options.tls) {
    MIDWATCH_ASSIGN(core->tls, TlsContext::ForServer(*options.tls));
  }
  for (int i = 0; i < std::max(1, options.threads); ++i) {
    core->workers.push_back(std::make_shared<Worker>());
  }
  MIDWATCH_TRY(core->Listen());
  core->Run();
  return std::unique_ptr<HttpServer>(new HttpServer(core));
}

HttpServer::HttpServer(std::shared_ptr<Core> core) : core_(std::move(core)) {}
HttpServer::~HttpServer() { Stop(Duration{0}); }
std::uint16_t HttpServer::port() const { return core_->port; }
std::size_t HttpServer::ConnectionCount() const { return core_->table.Size(); }
void HttpServer::Stop(Duration grace) { core_->Stop(grace); }

Result<void> HttpServer::ReplaceCertificate(const CertificateAndKey& identity) {
  MIDWATCH_ASSIGN(const std::shared_ptr<const TlsContext> made, TlsContext::ForServer(identity));
  const std::lock_guard lock(core_->mutex);
  core_->tls = made;
  return {};
}

}  // namespace midwatch::http
