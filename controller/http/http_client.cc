#define _TURN_OFF_PLATFORM_STRING
#include "controller/http/http_client.h"

#include <arpa/inet.h>
#include <cpprest/astreambuf.h>
#include <cpprest/http_client.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include <array>
#include <boost/asio/io_service.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "controller/base/text.h"

namespace midwatch::http {
namespace {

namespace rest = web::http;
namespace streams = concurrency::streams;

constexpr int kThreads = 2;
constexpr auto kLibraryTimeout =
    std::chrono::hours(24);  // Ours are shorter; this one is idle time only.

/// The threads that the library's callbacks run on. Its own end the process on the first exception
/// that a peer can cause (a chunk size of -1); these go on. One for the process, as the library has
/// one pool.
class GuardedThreads {
 public:
  static GuardedThreads& Instance() {
    static GuardedThreads instance;
    return instance;
  }
  boost::asio::io_service& service() { return crossplat::threadpool::shared_instance().service(); }

 private:
  GuardedThreads() {
    crossplat::threadpool::initialize_with_threads(0);
    for (int i = 0; i < kThreads; ++i) {
      threads_.emplace_back([&service = service()] {
        while (!RunGuarded(service)) {
        }
      });
    }
  }
  ~GuardedThreads() {
    service().stop();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
  static bool RunGuarded(boost::asio::io_service& service) {
    try {
      service.run();
      return true;
    } catch (...) {
      return false;  // The exchange that threw is dropped; its deadline ends the call.
    }
  }

  std::vector<std::thread> threads_;
};

/// Takes a response body as the library hands it out. Only writing is possible.
class BodyBuffer final : public streams::details::streambuf_state_manager<std::uint8_t> {
 public:
  /// Returns false to refuse; `size` may be nonsense that the peer has chosen.
  using Take = std::function<bool(const std::uint8_t* bytes, std::size_t size)>;
  explicit BodyBuffer(Take take)
      : streambuf_state_manager(std::ios_base::out), take_(std::move(take)) {}
  ~BodyBuffer() override = default;

 protected:
  using Int = int_type;
  static Int Eof() { return traits::eof(); }

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return static_cast<pos_type>(Eof()); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override {
    return static_cast<pos_type>(Eof());
  }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return static_cast<pos_type>(Eof());
  }
  bool acquire(std::uint8_t*&, std::size_t&) override { return false; }
  void release(std::uint8_t*, std::size_t) override {}
  pplx::task<Int> _putc(std::uint8_t c) override {
    return _putn(&c, 1).then([c](std::size_t) { return static_cast<Int>(c); });
  }
  pplx::task<std::size_t> _putn(const std::uint8_t* bytes, std::size_t size) override {
    if (!take_(bytes, size)) {
      return pplx::task_from_exception<std::size_t>(std::runtime_error("response refused"));
    }
    return pplx::task_from_result(size);
  }
  pplx::task<Int> _bumpc() override { return pplx::task_from_result(Eof()); }
  Int _sbumpc() override { return Eof(); }
  pplx::task<Int> _getc() override { return pplx::task_from_result(Eof()); }
  Int _sgetc() override { return Eof(); }
  pplx::task<Int> _nextc() override { return pplx::task_from_result(Eof()); }
  pplx::task<Int> _ungetc() override { return pplx::task_from_result(Eof()); }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override {
    return pplx::task_from_result(std::size_t{0});
  }
  std::size_t _scopy(std::uint8_t*, std::size_t) override { return 0; }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}

 private:
  const Take take_;
};

HttpResponse HeadOf(const rest::http_response& response) {
  HttpResponse head;
  head.status = response.status_code();
  for (const auto& [name, value] : response.headers()) {
    head.headers.emplace_back(name, value);
  }
  return head;
}

/// How the library words failures from before the request was sent, and what they mean.
constexpr std::pair<std::string_view, std::string_view> kUnsent[] = {
    {"Error resolving address", "its name cannot be resolved"},
    {"Failed to connect", "nothing listens there, or it cannot be reached"}};
constexpr std::string_view kHandshake = "Error in SSL handshake";

/// Why there is no TLS, from the number that the library gives: OpenSSL's packed one, or a small
/// one of the system or of asio.
std::string HandshakeFailure(int number) {
  constexpr int kLargestOfTheSystem = 4095;
  if (number <= kLargestOfTheSystem) {
    return "the connection was closed before there was TLS";
  }
  const auto packed = static_cast<unsigned long>(number);
  switch (ERR_GET_REASON(packed)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return "no TLS: its certificate is not trusted here, or is for another name";
    case SSL_R_WRONG_VERSION_NUMBER:
      return "no TLS: it does not speak it";
    default:
      const char* const reason = ERR_reason_error_string(packed);
      return std::string("no TLS: ") + (reason == nullptr ? "unknown failure" : reason);
  }
}

/// What went wrong, from the exception that is being handled. Only failures from before the request
/// was sent are kUnavailable.
Error CurrentFailure() {
  try {
    throw;
  } catch (const rest::http_exception& e) {
    const std::string_view what = e.what();
    if (what.starts_with(kHandshake)) {
      return {ErrorCode::kUnavailable, HandshakeFailure(e.error_code().value())};
    }
    for (const auto& [begin, meaning] : kUnsent) {
      if (what.starts_with(begin)) {
        return {ErrorCode::kUnavailable, std::string(meaning)};
      }
    }
    return {ErrorCode::kOutcomeUnknown, "http request: " + std::string(what)};
  } catch (const std::exception& e) {
    return {ErrorCode::kOutcomeUnknown, "http request: " + std::string(e.what())};
  } catch (...) {
    return {ErrorCode::kOutcomeUnknown, "http request: unknown failure"};
  }
}

bool IsRead(const HttpCall& call) { return call.method == "GET" || call.method == "HEAD"; }

Error Late(const HttpCall& call) {
  return {IsRead(call) ? ErrorCode::kTimeout : ErrorCode::kOutcomeUnknown,
          "http request: no answer within " + FormatDuration(call.deadline)};
}

/// One request under way, for Send and Stream alike. Shared by the caller's side, the library's
/// tasks and the deadline; whoever is first ends it.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using SteadyClock = std::chrono::steady_clock;

  explicit Exchange(HttpCall call)
      : call_(std::move(call)), timer_(GuardedThreads::Instance().service()) {}
  virtual ~Exchange() = default;

  void Start(rest::client::http_client& client, const std::string& bearer,
             const std::string& agent) {
    const auto self = shared_from_this();
    timer_.expires_after(call_.deadline);
    timer_.async_wait([self](const boost::system::error_code& error) {
      if (!error) {
        self->OnDeadline();
      }
    });
    try {
      rest::http_request request = MakeRequest(bearer, agent);
      client.request(request, cancel_.get_token())
          .then([self](pplx::task<rest::http_response> task) {
            self->Guarded([&] {
              rest::http_response response = task.get();
              self->OnHead(HeadOf(response));
              response.content_ready().then([self](pplx::task<rest::http_response> ready) {
                self->Guarded([&] {
                  ready.get();
                  self->Finish({});
                });
              });
            });
          });
    } catch (...) {
      Finish(Fail(CurrentFailure()));
    }
  }

  /// Ends it with `why` unless it has ended.
  void Finish(Result<void> why) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true)) {
      return;
    }
    timer_.cancel();
    OnFinish(std::move(why));
  }
  /// As if it had ended: nothing is called any more, and what is being called has returned.
  void Abandon() {
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
      timer_.cancel();
    }
    cancel_.cancel();
  }

 protected:
  virtual void HandleHead(HttpResponse head) = 0;
  /// False: too much.
  virtual bool HandleBytes(std::string_view bytes) = 0;
  virtual void OnFinish(Result<void> why) = 0;

  const HttpCall call_;
  std::recursive_mutex mutex_;  // A sink may end its stream from inside a call.
  bool finished_ = false;
  bool head_seen_ = false;
  bool is_stream_ = false;

 private:
  rest::http_request MakeRequest(const std::string& bearer, const std::string& agent) {
    rest::http_request request(call_.method);
    request.set_request_uri(web::uri(call_.target));
    if (!call_.body.empty()) {
      request.set_body(call_.body, "application/octet-stream");
    }
    request.headers().remove("Content-Type");
    for (const auto& [name, value] : call_.headers) {
      if (ToLower(name) != "host") {  // It is the name that certificates are checked against.
        request.headers().add(name, value);
      }
    }
    if (!bearer.empty()) {
      request.headers().add("Authorization", "Bearer " + bearer);
    }
    request.headers().add("User-Agent", agent);
    const auto self = shared_from_this();
    const std::shared_ptr<streams::details::basic_streambuf<std::uint8_t>> buffer =
        std::make_shared<BodyBuffer>([self](const std::uint8_t* bytes, std::size_t size) {
          return self->OnBody(bytes, size);
        });
    request.set_response_stream(streams::ostream(streams::streambuf<std::uint8_t>(buffer)));
    return request;
  }

  template <typename Work>
  void Guarded(Work work) {
    try {
      work();
    } catch (...) {
      Finish(Fail(refused_ ? Error{ErrorCode::kTooLarge, "http response: larger than " +
                                                             std::to_string(call_.max_response) +
                                                             " bytes"}
                           : CurrentFailure()));
    }
  }

  void OnHead(HttpResponse head) {
    const std::lock_guard lock(mutex_);
    if (finished_) {
      return;
    }
    if (is_stream_) {
      timer_.cancel();
      heard_at_ = SteadyClock::now();
      Listen();
    }
    head_seen_ = true;
    HandleHead(std::move(head));
    if (!finished_ && !early_.empty() && !HandleBytes(std::exchange(early_, {}))) {
      refused_ = true;
      cancel_.cancel();
    }
  }

  bool OnBody(const std::uint8_t* bytes, std::size_t size) {
    const std::lock_guard lock(mutex_);
    if (finished_ || size > call_.max_response) {  // A negative chunk size is huge here.
      refused_ = !finished_;
      return false;
    }
    heard_at_ = SteadyClock::now();
    const std::string_view piece(reinterpret_cast<const char*>(bytes), size);
    if (!head_seen_) {
      // The library may hand out the body before it has said that there is a head.
      early_ += piece;
      refused_ = early_.size() > call_.max_response;
    } else {
      refused_ = !HandleBytes(piece);
    }
    return !refused_;
  }

  void OnDeadline() {
    Finish(Fail(Late(call_)));
    cancel_.cancel();
  }

  /// A connection that was cut without a word says nothing for ever.
  void Listen() {
    if (!call_.silence) {
      return;
    }
    timer_.expires_at(heard_at_ + *call_.silence);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) {
        self->OnSilence();
      }
    });
  }

  void OnSilence() {
    {
      const std::lock_guard lock(mutex_);
      if (finished_) {
        return;
      }
      if (SteadyClock::now() < heard_at_ + *call_.silence) {
        return Listen();
      }
    }
    Finish(Fail(ErrorCode::kUnavailable,
                "http stream: nothing has come for " + FormatDuration(*call_.silence)));
    cancel_.cancel();
  }

  pplx::cancellation_token_source cancel_;
  boost::asio::steady_timer timer_;
  SteadyClock::time_point heard_at_;  // Of a stream.
  std::string early_;
  bool refused_ = false;
};

class SendExchange final : public Exchange {
 public:
  SendExchange(HttpCall call, std::function<void(Result<HttpResponse>)> done)
      : Exchange(std::move(call)), done_(std::move(done)) {}

 protected:
  void HandleHead(HttpResponse head) override { response_ = std::move(head); }
  bool HandleBytes(std::string_view bytes) override {
    if (response_.body.size() + bytes.size() > call_.max_response) {
      return false;
    }
    response_.body += bytes;
    return true;
  }
  void OnFinish(Result<void> why) override {
    if (why) {
      done_(std::move(response_));
    } else {
      done_(Fail(why.error()));
    }
    done_ = nullptr;
  }

 private:
  std::function<void(Result<HttpResponse>)> done_;
  HttpResponse response_;
};

class StreamExchange final : public Exchange {
 public:
  StreamExchange(HttpCall call, std::shared_ptr<HttpBodySink> sink)
      : Exchange(std::move(call)), sink_(std::move(sink)) {
    is_stream_ = true;
  }

 protected:
  void HandleHead(HttpResponse head) override { sink_->OnHead(head); }
  bool HandleBytes(std::string_view bytes) override {
    sink_->OnBytes(bytes);
    return true;
  }
  void OnFinish(Result<void> why) override { sink_->OnEnd(std::move(why)); }

 private:
  const std::shared_ptr<HttpBodySink> sink_;
};

class StreamHandle final : public HttpStreamHandle {
 public:
  explicit StreamHandle(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~StreamHandle() override { exchange_->Abandon(); }

 private:
  const std::shared_ptr<Exchange> exchange_;
};

// ---- TLS ----

struct StoreDeleter {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
using StorePtr = std::unique_ptr<X509_STORE, StoreDeleter>;

Result<StorePtr> MakeStore(const std::string& pem) {
  StorePtr store(X509_STORE_new());
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  int count = 0;
  while (X509* certificate = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    count += X509_STORE_add_cert(store.get(), certificate);
    X509_free(certificate);
  }
  if (count == 0) {
    return Fail(ErrorCode::kInvalid, "authorities: expected certificates in PEM form");
  }
  return store;
}

/// Bytes that a TLS connection has received since the last request went out on it, kept with the
/// connection.
struct Received {
  std::size_t bytes = 0;
  std::size_t most = 0;
};

int ReceivedIndex() {
  static const int kIndex = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* data, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Received*>(data);
      });
  return kIndex;
}

/// Sees every TLS record. A connection that has received too much looks ended to its reader.
void CountRecords(int is_write, int, int type, const void* data, std::size_t size, SSL* ssl,
                  void* most) {
  auto* received = static_cast<Received*>(SSL_get_ex_data(ssl, ReceivedIndex()));
  if (received == nullptr) {
    received = new Received{0, *static_cast<const std::size_t*>(most)};
    SSL_set_ex_data(ssl, ReceivedIndex(), received);
  }
  const auto* bytes = static_cast<const unsigned char*>(data);
  if (is_write != 0) {
    // Only what the application sends: a peer could provoke other records.
    const bool tls13 = type == SSL3_RT_INNER_CONTENT_TYPE && bytes[0] == SSL3_RT_APPLICATION_DATA;
    const bool tls12 = type == SSL3_RT_HEADER && SSL_version(ssl) < TLS1_3_VERSION &&
                       bytes[0] == SSL3_RT_APPLICATION_DATA;
    received->bytes = tls13 || tls12 ? 0 : received->bytes;
    return;
  }
  if (type == SSL3_RT_HEADER && size >= 5) {
    received->bytes += static_cast<std::size_t>(bytes[3]) << 8 | bytes[4];
    if (received->bytes > received->most) {
      SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
    }
  }
}

// ---- client ----

class CppRestClient final : public HttpClient {
 public:
  CppRestClient(ClientOptions options, StorePtr store)
      : options_(std::move(options)),
        client_(web::uri(options_.base_url), Config(std::move(store))) {}

  void Send(HttpCall call, std::function<void(Result<HttpResponse>)> done) override {
    const auto exchange = std::make_shared<SendExchange>(std::move(call), std::move(done));
    exchange->Start(client_, Bearer(), options_.user_agent);
  }

  std::unique_ptr<HttpStreamHandle> Stream(HttpCall call,
                                           std::shared_ptr<HttpBodySink> sink) override {
    const auto exchange = std::make_shared<StreamExchange>(std::move(call), std::move(sink));
    exchange->Start(client_, Bearer(), options_.user_agent);
    return std::make_unique<StreamHandle>(exchange);
  }

 private:
  std::string Bearer() const {
    return options_.bearer == nullptr ? std::string() : options_.bearer().Reveal();
  }

  /// What connections need; they may outlive the client.
  struct Tls {
    StorePtr store;
    std::size_t connection_bytes = 0;
  };

  rest::client::http_client_config Config(StorePtr store) {
    rest::client::http_client_config config;
    config.set_timeout(std::chrono::duration_cast<std::chrono::seconds>(kLibraryTimeout));
    config.set_max_redirects(0);
    const std::string host = web::uri(options_.base_url).host();
    std::array<unsigned char, 16> address{};
    config.set_tlsext_sni_enabled(inet_pton(AF_INET, host.c_str(), address.data()) != 1);
    // Called for every connection.
    const auto tls = std::make_shared<Tls>(Tls{std::move(store), options_.connection_bytes});
    config.set_ssl_context_callback([tls](boost::asio::ssl::context& context) {
      SSL_CTX* native = context.native_handle();
      SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
      SSL_CTX_set_msg_callback(native, CountRecords);
      SSL_CTX_set_msg_callback_arg(native, &tls->connection_bytes);
      if (tls->store != nullptr) {
        SSL_CTX_set1_cert_store(native, tls->store.get());
      }
    });
    return config;
  }

  ClientOptions options_;
  rest::client::http_client client_;
};

}  // namespace

Result<std::unique_ptr<HttpClient>> MakeHttpClient(const ClientOptions& options) {
  GuardedThreads::Instance();
  StorePtr store;
  if (!options.authorities.empty()) {
    MIDWATCH_ASSIGN(store, MakeStore(options.authorities));
  }
  try {
    const web::uri uri(options.base_url);
    if ((uri.scheme() != "https" && uri.scheme() != "http") || uri.host().empty()) {
      return Fail(ErrorCode::kInvalid, Quote(options.base_url) + ": expected an https or http URL");
    }
    return std::unique_ptr<HttpClient>(std::make_unique<CppRestClient>(options, std::move(store)));
  } catch (const std::exception& e) {
    return Fail(ErrorCode::kInvalid, Quote(options.base_url) + ": " + e.what());
  }
}

}  // namespace midwatch::http
