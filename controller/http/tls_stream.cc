#include "controller/http/tls_stream.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>

namespace midwatch::http {
namespace {

using Status = IoResult::Status;

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// A BIO over the socket that sends with MSG_NOSIGNAL; OpenSSL's own raises SIGPIPE.
TlsWire& WireOf(BIO* bio) { return *static_cast<TlsWire*>(BIO_get_data(bio)); }

/// A peer needs one for every 2^24 records.
constexpr int kMostKeyUpdates = 100;

void CountKeyUpdates(int sent, int, int type, const void* bytes, std::size_t size, SSL*,
                     void* wire) {
  const bool received = sent == 0 && type == SSL3_RT_HANDSHAKE && size > 0;
  if (received && *static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE) {
    ++static_cast<TlsWire*>(wire)->key_updates;
  }
}

int BioRead(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  if (WireOf(bio).key_updates > kMostKeyUpdates) {
    return -1;
  }
  const ssize_t n = ::recv(WireOf(bio).fd, into, static_cast<std::size_t>(size), 0);
  if (n < 0 && WouldBlock(errno)) {
    BIO_set_retry_read(bio);
  }
  if (n == 0) {
    BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  }
  return static_cast<int>(n);
}

int BioWrite(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::send(WireOf(bio).fd, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && WouldBlock(errno)) {
    BIO_set_retry_write(bio);
  }
  return static_cast<int>(n);
}

long BioControl(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) {
    return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  }
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* SocketMethod() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "midwatch socket");
    BIO_meth_set_read(made, BioRead);
    BIO_meth_set_write(made, BioWrite);
    BIO_meth_set_ctrl(made, BioControl);
    return made;
  }();
  return method;
}

int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* in, unsigned in_size, void*) {
  static constexpr std::array<unsigned char, 9> kHttp11 = {8,   'h', 't', 't', 'p',
                                                           '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11.data(), kHttp11.size(), in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

bool LoadChain(SSL_CTX* context, const std::string& pem) {
  const BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all);
  const std::unique_ptr<X509, decltype(&X509_free)> leaf(
      PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free);
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return false;
  }
  while (X509* link = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, link) != 1) {
      X509_free(link);
      return false;
    }
  }
  ERR_clear_error();
  return true;
}

bool LoadKey(SSL_CTX* context, const std::string& pem) {
  const BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  return key != nullptr && SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
         SSL_CTX_check_private_key(context) == 1;
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::ForServer(const CertificateAndKey& identity) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  const std::shared_ptr<const TlsContext> made(new TlsContext(context));
  if (context == nullptr || !LoadChain(context, identity.certificate) ||
      !LoadKey(context, identity.private_key.Reveal())) {
    ERR_clear_error();
    return Fail(ErrorCode::kInvalid, "the TLS certificate and its key cannot be used together");
  }
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_alpn_select_cb(context, ChooseProtocol, nullptr);
  return made;
}

TlsContext::~TlsContext() { SSL_CTX_free(static_cast<SSL_CTX*>(native_)); }

SocketStream::~SocketStream() { SSL_free(static_cast<SSL*>(tls_)); }

bool SocketStream::BeginTls(const TlsContext& context) {
  SSL* tls = SSL_new(static_cast<SSL_CTX*>(context.native()));
  BIO* bio = BIO_new(SocketMethod());
  if (tls == nullptr || bio == nullptr) {
    SSL_free(tls);
    BIO_free(bio);
    return false;
  }
  wire_.fd = fd_;
  BIO_set_data(bio, &wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(tls, bio, bio);
  SSL_set_accept_state(tls);
  SSL_set_msg_callback(tls, CountKeyUpdates);
  SSL_set_msg_callback_arg(tls, &wire_);
  tls_ = tls;
  return true;
}

IoResult SocketStream::TlsResult(int result) const {
  if (result > 0) {
    return {Status::kDone, static_cast<std::size_t>(result)};
  }
  const int error = SSL_get_error(static_cast<SSL*>(tls_), result);
  ERR_clear_error();
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return {Status::kWantRead, 0};
    case SSL_ERROR_WANT_WRITE:
      return {Status::kWantWrite, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {Status::kEnd, 0};
    default:
      return {Status::kFailed, 0};
  }
}

IoResult SocketStream::Handshake() {
  if (tls_ == nullptr) {
    return {Status::kDone, 0};
  }
  ERR_clear_error();
  return TlsResult(SSL_do_handshake(static_cast<SSL*>(tls_)));
}

IoResult SocketStream::Read(char* into, std::size_t size) {
  if (tls_ != nullptr) {
    ERR_clear_error();
    const auto most =
        static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
    return TlsResult(SSL_read(static_cast<SSL*>(tls_), into, most));
  }
  const ssize_t n = ::recv(fd_, into, size, 0);
  if (n > 0) {
    return {Status::kDone, static_cast<std::size_t>(n)};
  }
  if (n == 0) {
    return {Status::kEnd, 0};
  }
  return {WouldBlock(errno) ? Status::kWantRead : Status::kFailed, 0};
}

IoResult SocketStream::Write(std::string_view bytes) {
  if (tls_ != nullptr) {
    ERR_clear_error();
    const auto most =
        static_cast<int>(std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max()));
    return TlsResult(SSL_write(static_cast<SSL*>(tls_), bytes.data(), most));
  }
  const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n >= 0) {
    return {Status::kDone, static_cast<std::size_t>(n)};
  }
  return {WouldBlock(errno) ? Status::kWantWrite : Status::kFailed, 0};
}

bool SocketStream::HasBuffered() const {
  return tls_ != nullptr && SSL_has_pending(static_cast<SSL*>(tls_)) == 1;
}

void SocketStream::EndWrites() {
  if (tls_ != nullptr && SSL_is_init_finished(static_cast<SSL*>(tls_)) == 1) {
    ERR_clear_error();
    SSL_shutdown(static_cast<SSL*>(tls_));
    ERR_clear_error();
  }
  ::shutdown(fd_, SHUT_WR);
}

}  // namespace midwatch::http
