#include "tests/bench/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace midwatch::bench {
namespace {

constexpr const char* kAddress = "127.0.0.1";
constexpr int kPatience = 120'000;  // ms without anything to read: the server hangs.

SSL_CTX* MakeContext(const Endpoint& endpoint) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_load_verify_locations(context, endpoint.ca_file.c_str(), nullptr) != 1) {
    SSL_CTX_free(context);
    return nullptr;
  }
  return context;
}

int Connect(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, kAddress, &address.sin_addr);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(descriptor);
    return -1;
  }
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

}  // namespace

void Die(const std::string& message) {
  std::fprintf(stderr, "midwatch_load: %s\n", message.c_str());
  std::exit(1);
}

std::string MakeRequest(const Endpoint& endpoint, std::string_view method, std::string_view path,
                        std::string_view body) {
  std::string out(method);
  out += " " + std::string(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n";
  if (!endpoint.token.empty()) {
    out += "Authorization: Bearer " + endpoint.token + "\r\n";
  }
  if (!body.empty()) {
    out += method == "PATCH" ? "Content-Type: application/merge-patch+json\r\n"
                             : "Content-Type: application/json\r\n";
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return out + "\r\n" + std::string(body);
}

std::unique_ptr<Connection> Connection::Open(const Endpoint& endpoint, ResponseReader::Sink sink) {
  SSL_CTX* context = MakeContext(endpoint);
  if (context == nullptr) {
    return nullptr;
  }
  const int descriptor = Connect(endpoint.port);
  SSL* tls = SSL_new(context);
  SSL_CTX_free(context);
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), kAddress);
  if (descriptor < 0 || SSL_set_fd(tls, descriptor) != 1 || SSL_connect(tls) != 1) {
    SSL_free(tls);
    if (descriptor >= 0) {
      ::close(descriptor);
    }
    return nullptr;
  }
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  return std::unique_ptr<Connection>(new Connection(descriptor, tls, std::move(sink)));
}

Connection::Connection(int descriptor, ssl_st* tls, ResponseReader::Sink sink)
    : descriptor_(descriptor), tls_(tls), reader_(std::move(sink)) {}

Connection::~Connection() {
  SSL_free(tls_);
  ::close(descriptor_);
}

void Connection::Send(std::string_view request) {
  unsent_ += request;
  Flush();
}

void Connection::Flush() {
  while (!unsent_.empty()) {
    const int written = SSL_write(tls_, unsent_.data(), static_cast<int>(unsent_.size()));
    if (written <= 0) {
      const int why = SSL_get_error(tls_, written);
      if (why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ) {
        Die("the server closed the connection while a request was sent");
      }
      return;
    }
    unsent_.erase(0, static_cast<std::size_t>(written));
  }
}

void Connection::OnReady() {
  Flush();
  std::array<char, 1 << 16> buffer;
  while (true) {
    const int got = SSL_read(tls_, buffer.data(), static_cast<int>(buffer.size()));
    if (got <= 0) {
      const int why = SSL_get_error(tls_, got);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        Die("the server closed the connection");
      }
      return;
    }
    if (!reader_.Feed({buffer.data(), static_cast<std::size_t>(got)})) {
      Die("an answer that is not HTTP/1.1");
    }
  }
}

short Connection::events() const {
  return static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT);
}

void Serve(std::initializer_list<Connection*> connections) {
  std::vector<pollfd> wanted;
  for (const Connection* connection : connections) {
    wanted.push_back({connection->descriptor(), connection->events(), 0});
  }
  if (::poll(wanted.data(), wanted.size(), kPatience) <= 0) {
    Die("nothing came for two minutes");
  }
  std::size_t index = 0;
  for (Connection* connection : connections) {
    if (wanted[index++].revents != 0) {
      connection->OnReady();
    }
  }
}

Caller::Caller(const Endpoint& endpoint) : endpoint_(endpoint) {
  connection_ = Connection::Open(
      endpoint, {.on_head = [this](int status) { answer_.status = status; },
                 .on_body = [this](std::string_view piece) { answer_.body += piece; },
                 .on_end = [this] { answered_ = true; }});
  if (connection_ == nullptr) {
    Die("cannot connect to port " + std::to_string(endpoint.port));
  }
}

void Caller::Begin(std::string_view method, std::string_view path, std::string_view body) {
  answer_ = {};
  answered_ = false;
  connection_->Send(MakeRequest(endpoint_, method, path, body));
}

Caller::Answer Caller::Call(std::string_view method, std::string_view path, std::string_view body) {
  Begin(method, path, body);
  while (!answered_) {
    Serve({connection()});
  }
  return answer_;
}

Watcher::Watcher(const Endpoint& endpoint, const std::string& path, OnLine on_line)
    : on_line_(std::move(on_line)) {
  const std::string query = path.find('?') == std::string::npos ? "?" : "&";
  const std::string list = Caller(endpoint).Call("GET", path + query + "limit=1").body;
  constexpr std::string_view kVersion = R"("resourceVersion":")";
  const std::size_t at = list.rfind(kVersion);  // A list ends with its own metadata.
  if (at == std::string::npos) {
    Die(path + " is no list: " + list.substr(0, 300));
  }
  const std::size_t begin = at + kVersion.size();
  const std::string version = list.substr(begin, list.find('"', begin) - begin);
  connection_ =
      Connection::Open(endpoint, {.on_head = [this](int status) { status_ = status; },
                                  .on_body = [this](std::string_view piece) { Take(piece); },
                                  .on_end = [] { Die("the server ended a watch"); }});
  if (connection_ == nullptr) {
    Die("cannot connect to port " + std::to_string(endpoint.port));
  }
  connection_->Send(
      MakeRequest(endpoint, "GET", path + query + "watch=true&resourceVersion=" + version, {}));
  while (status_ == 0) {
    Serve({connection()});
  }
  if (status_ != 200) {
    Die(path + ": status " + std::to_string(status_));
  }
}

void Watcher::Take(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t newline = piece.find('\n');
    line_ += piece.substr(0, newline);
    if (newline == std::string_view::npos) {
      return;
    }
    piece.remove_prefix(newline + 1);
    on_line_(line_);
    line_.clear();
  }
}

}  // namespace midwatch::bench
