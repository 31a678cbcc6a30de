#pragma once

// For tests only: a client that says exactly what it is told to.

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace midwatch::http {

class RawPeer {
 public:
  explicit RawPeer(std::uint16_t port, bool tls = false)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    if (tls) {
      connected_ = connected_ && StartTls();
    }
  }
  RawPeer(RawPeer&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        connected_(other.connected_),
        context_(std::exchange(other.context_, nullptr)),
        tls_(std::exchange(other.tls_, nullptr)) {}
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;
  ~RawPeer() { Close(); }

  bool connected() const { return connected_; }
  const SSL* tls() const { return tls_; }

  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const long n = tls_ != nullptr ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                     : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) {
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  /// Everything until the peer closes or nothing more comes within the time.
  std::string ReadAll(std::chrono::milliseconds most = std::chrono::seconds(5)) {
    return ReadWhile([](const std::string&) { return true; }, most);
  }
  /// Everything until `mark` was received.
  std::string ReadUntil(std::string_view mark,
                        std::chrono::milliseconds most = std::chrono::seconds(5)) {
    return ReadWhile([&](const std::string& got) { return got.find(mark) == std::string::npos; },
                     most);
  }
  bool ended() const { return ended_; }

  void HalfClose() { ::shutdown(fd_, SHUT_WR); }
  void Close() {
    SSL_free(std::exchange(tls_, nullptr));
    SSL_CTX_free(std::exchange(context_, nullptr));
    if (fd_ >= 0) {
      ::close(std::exchange(fd_, -1));
    }
  }
  int fd() const { return fd_; }

 private:
  bool StartTls() {
    context_ = SSL_CTX_new(TLS_client_method());
    static constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";
    SSL_CTX_set_alpn_protos(context_, kProtocols, sizeof(kProtocols) - 1);
    tls_ = SSL_new(context_);
    SSL_set_fd(tls_, fd_);
    return SSL_connect(tls_) == 1;
  }

  template <typename Wanted>
  std::string ReadWhile(Wanted wanted, std::chrono::milliseconds most) {
    const auto end = std::chrono::steady_clock::now() + most;
    std::string got;
    std::vector<char> buffer(65536);
    while (wanted(got)) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      pollfd waiting{fd_, POLLIN, 0};
      if ((tls_ == nullptr || SSL_pending(tls_) == 0) &&
          ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) <= 0) {
        return got;
      }
      const long n = tls_ != nullptr
                         ? SSL_read(tls_, buffer.data(), static_cast<int>(buffer.size()))
                         : ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (n <= 0) {
        ended_ = true;
        return got;
      }
      got.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return got;
  }

  int fd_ = -1;
  bool connected_ = false;
  bool ended_ = false;
  SSL_CTX* context_ = nullptr;
  SSL* tls_ = nullptr;
};

}  // namespace midwatch::http
