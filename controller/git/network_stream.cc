#include "controller/git/network_stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <git2.h>
#include <git2/sys/stream.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "controller/base/check.h"
#include "controller/base/text.h"

namespace midwatch::git {
namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
using TlsContext = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using TlsSession = std::unique_ptr<SSL, Freed<SSL_free>>;

bool AddRoots(SSL_CTX* context, const std::string& pem) {
  std::unique_ptr<BIO, Freed<BIO_free>> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), INT_MAX))));
  int added = 0;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    added += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate);
    X509_free(certificate);
  }
  ERR_clear_error();
  return added > 0;
}

Result<TlsContext> MakeContext(const std::string& ca_pem) {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (ca_pem.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (!AddRoots(context.get(), ca_pem)) {
    return Fail(ErrorCode::kInvalid, "ca.crt: expected certificates in PEM form, found none");
  }
  return context;
}

bool IsAddress(const std::string& host) {
  in6_addr ignored;
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

}  // namespace

struct Network::State {
  NetworkPolicy policy;
  std::optional<Error> failure;
  std::uint64_t received = 0;
  TlsContext context;  // For `context_ca`: reading the system's roots takes milliseconds.
  std::string context_ca;

  int Refuse(ErrorCode code, std::string message) {
    git_error_set_str(GIT_ERROR_NET, message.c_str());
    failure = Error{.code = code, .message = std::move(message)};
    return -1;
  }
};

namespace {

// What libgit2's constructors find: the one Network of the process.
Network::State* g_network = nullptr;

// One connection. Non-blocking underneath; each call waits until it is done or the deadline has
// passed.
class Connection {
 public:
  Connection(Network::State& network, std::string host, std::string port, bool tls)
      : network_(network), host_(std::move(host)), port_(std::move(port)), tls_(tls) {}
  ~Connection() { Close(); }

  int Connect();
  ssize_t Read(void* data, std::size_t size);
  ssize_t Write(const char* data, std::size_t size);
  void Close();
  git_cert* Certificate() { return &certificate_; }

 private:
  std::string Target() const { return host_ + ":" + port_; }
  int CheckTarget();
  bool Dial(const addrinfo& address);
  int Handshake();
  int PrepareSession();
  int TlsFailure();
  bool Wait(short events);
  bool WaitForTls(int result);

  Network::State& network_;
  std::string host_;
  std::string port_;
  bool tls_;
  int socket_ = -1;
  TlsSession session_;
  bool established_ = false;             // Handshake done.
  git_cert certificate_{GIT_CERT_NONE};  // Verified by us before libgit2 asks.
};

int Connection::CheckTarget() {
  const NetworkPolicy& policy = network_.policy;
  if (ToLower(host_) != ToLower(policy.host) || port_ != policy.port || tls_ != policy.tls) {
    return network_.Refuse(ErrorCode::kForbidden, "redirected to another server (" + Target() +
                                                      "), which is not followed");
  }
  return 0;
}

int Connection::Connect() {
  if (CheckTarget() != 0) {
    return -1;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host_.c_str(), port_.c_str(), &hints, &found); error != 0) {
    return network_.Refuse(ErrorCode::kUnavailable,
                           "cannot resolve " + host_ + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, Freed<freeaddrinfo>> addresses(found);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (Dial(*at)) {
      return tls_ ? Handshake() : 0;
    }
  }
  return -1;
}

bool Connection::Dial(const addrinfo& address) {
  Close();
  socket_ = socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int error = socket_ < 0 ? errno : 0;
  if (error == 0 && connect(socket_, address.ai_addr, address.ai_addrlen) != 0) {
    error = errno;
    if (error == EINPROGRESS) {
      if (!Wait(POLLOUT)) {
        return false;
      }
      socklen_t size = sizeof error;
      getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  if (error != 0) {
    network_.Refuse(ErrorCode::kUnavailable,
                    "cannot connect to " + Target() + ": " + std::strerror(error));
  }
  return error == 0;
}

int Connection::PrepareSession() {
  if (!network_.context || network_.context_ca != network_.policy.ca_pem) {
    Result<TlsContext> context = MakeContext(network_.policy.ca_pem);
    if (!context) {
      return network_.Refuse(context.error().code, context.error().message);
    }
    network_.context = std::move(*context);
    network_.context_ca = network_.policy.ca_pem;
  }
  session_.reset(SSL_new(network_.context.get()));
  SSL_set_fd(session_.get(), socket_);
  if (IsAddress(host_)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), host_.c_str());
  } else {
    SSL_set_tlsext_host_name(session_.get(), host_.c_str());
    SSL_set1_host(session_.get(), host_.c_str());
  }
  return 0;
}

int Connection::Handshake() {
  if (PrepareSession() != 0) {
    return -1;
  }
  for (;;) {
    ERR_clear_error();
    const int result = SSL_connect(session_.get());
    if (result == 1) {
      established_ = true;
      return 0;
    }
    if (!WaitForTls(result)) {
      return -1;
    }
  }
}

int Connection::TlsFailure() {
  const long verified = SSL_get_verify_result(session_.get());
  if (verified != X509_V_OK) {
    return network_.Refuse(ErrorCode::kUnavailable,
                           "the certificate of " + Target() +
                               " is not trusted: " + X509_verify_cert_error_string(verified));
  }
  if (established_) {
    return network_.Refuse(ErrorCode::kUnavailable, "connection to " + Target() + " lost");
  }
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  return network_.Refuse(ErrorCode::kUnavailable,
                         "TLS connection to " + Target() +
                             " failed: " + (reason != nullptr ? reason : "connection closed"));
}

bool Connection::WaitForTls(int result) {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Wait(POLLIN);
    case SSL_ERROR_WANT_WRITE:
      return Wait(POLLOUT);
    default:
      TlsFailure();
      return false;
  }
}

bool Connection::Wait(short events) {
  using std::chrono::milliseconds;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(network_.policy.deadline -
                                                      std::chrono::steady_clock::now());
    if (left <= milliseconds(0)) {
      network_.Refuse(ErrorCode::kTimeout, Target() + " did not answer in time");
      return false;
    }
    pollfd waited{.fd = socket_, .events = events, .revents = 0};
    const int ready =
        poll(&waited, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (ready > 0) {
      return true;
    }
    if (ready < 0 && errno != EINTR) {
      network_.Refuse(ErrorCode::kUnavailable, std::string("poll: ") + std::strerror(errno));
      return false;
    }
  }
}

ssize_t Connection::Read(void* data, std::size_t size) {
  for (;;) {
    ssize_t got = 0;
    if (tls_) {
      ERR_clear_error();
      got = SSL_read(session_.get(), data, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
    } else {
      got = recv(socket_, data, size, 0);
    }
    if (got > 0) {
      network_.received += static_cast<std::uint64_t>(got);
      if (network_.received > network_.policy.byte_limit) {
        return network_.Refuse(ErrorCode::kTooLarge,
                               "more than " + std::to_string(network_.policy.byte_limit) +
                                   " bytes received, which is the limit of one fetch");
      }
      return got;
    }
    if (tls_ ? SSL_get_error(session_.get(), static_cast<int>(got)) == SSL_ERROR_ZERO_RETURN
             : got == 0) {
      return 0;
    }
    if (tls_ ? !WaitForTls(static_cast<int>(got)) : !(errno == EAGAIN && Wait(POLLIN))) {
      return network_.failure
                 ? -1
                 : network_.Refuse(ErrorCode::kUnavailable, "connection to " + Target() + " lost");
    }
  }
}

ssize_t Connection::Write(const char* data, std::size_t size) {
  for (;;) {
    ssize_t put = 0;
    if (tls_) {
      ERR_clear_error();
      put = SSL_write(session_.get(), data, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
    } else {
      put = send(socket_, data, size, MSG_NOSIGNAL);
    }
    if (put > 0) {
      return put;
    }
    if (tls_ ? !WaitForTls(static_cast<int>(put)) : !(errno == EAGAIN && Wait(POLLOUT))) {
      return network_.failure
                 ? -1
                 : network_.Refuse(ErrorCode::kUnavailable, "connection to " + Target() + " lost");
    }
  }
}

void Connection::Close() {
  session_.reset();
  established_ = false;
  if (socket_ >= 0) {
    close(socket_);
    socket_ = -1;
  }
}

// What libgit2 holds: its own struct first, then ours.
struct Stream {
  git_stream base;
  std::unique_ptr<Connection> connection;
};

Connection& ConnectionOf(git_stream* stream) {
  return *reinterpret_cast<Stream*>(stream)->connection;
}

int OpenStream(git_stream** out, const char* host, const char* port, bool tls) {
  MIDWATCH_CHECK(g_network != nullptr);
  auto* stream = new Stream{};
  stream->connection = std::make_unique<Connection>(*g_network, host, port, tls);
  stream->base = {.version = GIT_STREAM_VERSION,
                  .encrypted = tls ? 1 : 0,
                  .proxy_support = 0,
                  .connect = [](git_stream* self) { return ConnectionOf(self).Connect(); },
                  .certificate =
                      [](git_cert** certificate, git_stream* self) {
                        *certificate = ConnectionOf(self).Certificate();
                        return 0;
                      },
                  .set_proxy = nullptr,
                  .read = [](git_stream* self, void* data,
                             std::size_t size) { return ConnectionOf(self).Read(data, size); },
                  .write = [](git_stream* self, const char* data, std::size_t size,
                              int) { return ConnectionOf(self).Write(data, size); },
                  .close =
                      [](git_stream* self) {
                        ConnectionOf(self).Close();
                        return 0;
                      },
                  .free = [](git_stream* self) { delete reinterpret_cast<Stream*>(self); }};
  *out = &stream->base;
  return 0;
}

void Register(bool on) {
  git_stream_registration plain{
      .version = GIT_STREAM_VERSION,
      .init = [](git_stream** out, const char* host,
                 const char* port) { return OpenStream(out, host, port, false); },
      .wrap = nullptr};
  git_stream_registration tls = plain;
  tls.init = [](git_stream** out, const char* host, const char* port) {
    return OpenStream(out, host, port, true);
  };
  git_stream_register(GIT_STREAM_STANDARD, on ? &plain : nullptr);
  git_stream_register(GIT_STREAM_TLS, on ? &tls : nullptr);
}

}  // namespace

Network::Network() : state_(std::make_unique<State>()) {
  MIDWATCH_CHECK(g_network == nullptr);
  g_network = state_.get();
  Register(true);
}

Network::~Network() {
  Register(false);
  g_network = nullptr;
}

void Network::Allow(NetworkPolicy policy) {
  state_->policy = std::move(policy);
  state_->failure.reset();
  state_->received = 0;
}

const std::optional<Error>& Network::failure() const { return state_->failure; }

}  // namespace midwatch::git
