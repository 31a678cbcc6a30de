#include "controller/http/raw_peer.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace midwatch::http {

using std::chrono::milliseconds;

struct RawPeer::Impl {
  ~Impl() { Close(); }

  void Close() {
    SSL_free(std::exchange(tls, nullptr));
    SSL_CTX_free(std::exchange(context, nullptr));
    if (fd >= 0) {
      ::close(std::exchange(fd, -1));
    }
  }

  bool StartTls() {
    context = SSL_CTX_new(TLS_client_method());
    static constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";
    SSL_CTX_set_alpn_protos(context, kProtocols, sizeof(kProtocols) - 1);
    tls = SSL_new(context);
    SSL_set_fd(tls, fd);
    return SSL_connect(tls) == 1;
  }

  template <typename Wanted>
  std::string ReadWhile(Wanted wanted, milliseconds most) {
    const auto end = std::chrono::steady_clock::now() + most;
    std::string got;
    std::vector<char> buffer(65536);
    while (wanted(got)) {
      const auto left =
          std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now());
      pollfd waiting{fd, POLLIN, 0};
      if ((tls == nullptr || SSL_pending(tls) == 0) &&
          ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) <= 0) {
        return got;
      }
      const long n = tls != nullptr ? SSL_read(tls, buffer.data(), static_cast<int>(buffer.size()))
                                    : ::recv(fd, buffer.data(), buffer.size(), 0);
      if (n <= 0) {
        ended = true;
        return got;
      }
      got.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return got;
  }

  int fd = -1;
  bool connected = false;
  bool ended = false;
  SSL_CTX* context = nullptr;
  SSL* tls = nullptr;
};

RawPeer::RawPeer(std::uint16_t port, bool tls) : impl_(std::make_unique<Impl>()) {
  impl_->fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  impl_->connected =
      ::connect(impl_->fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
      (!tls || impl_->StartTls());
}
RawPeer::RawPeer(RawPeer&&) noexcept = default;
RawPeer::~RawPeer() = default;

bool RawPeer::connected() const { return impl_->connected; }
bool RawPeer::ended() const { return impl_->ended; }
int RawPeer::fd() const { return impl_->fd; }
void RawPeer::Close() { impl_->Close(); }
std::string RawPeer::TlsVersion() const { return SSL_get_version(impl_->tls); }

std::string RawPeer::Protocol() const {
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(impl_->tls, &protocol, &size);
  return {reinterpret_cast<const char*>(protocol), size};
}

std::string RawPeer::Certificate() const {
  X509* const shown = SSL_get1_peer_certificate(impl_->tls);
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(shown, &bytes);
  std::string out(reinterpret_cast<const char*>(bytes),
                  static_cast<std::size_t>(std::max(size, 0)));
  OPENSSL_free(bytes);
  X509_free(shown);
  return out;
}

bool RawPeer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const long n = impl_->tls != nullptr
                       ? SSL_write(impl_->tls, bytes.data(), static_cast<int>(bytes.size()))
                       : ::send(impl_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool RawPeer::UpdateKeys() {
  return SSL_key_update(impl_->tls, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
         SSL_do_handshake(impl_->tls) == 1;
}

std::string RawPeer::ReadAll(milliseconds most) {
  return impl_->ReadWhile([](const std::string&) { return true; }, most);
}

std::string RawPeer::ReadUntil(std::string_view mark, milliseconds most) {
  return impl_->ReadWhile(
      [&](const std::string& got) { return got.find(mark) == std::string::npos; }, most);
}

}  // namespace midwatch::http
