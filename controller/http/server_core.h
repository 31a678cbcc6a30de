#pragma once

// The inside of the server, shared by its two .cc files; nothing else includes it.

#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controller/http/caller_shares.h"
#include "controller/http/connection_table.h"
#include "controller/http/http_server.h"
#include "controller/http/io_loop.h"
#include "controller/http/response_head.h"
#include "controller/http/stream_queue.h"
#include "controller/http/tls_stream.h"

namespace midwatch::http {

class Connection;

/// One io thread and the connections that live on it. All but the loop's Post is for that thread.
struct Worker {
  std::string_view Date() {
    if (const std::time_t now = std::time(nullptr); now != date_time) {
      date_time = now;
      date = FormatHttpDate(now);
    }
    return date;
  }

  IoLoop loop;
  std::vector<char> scratch = std::vector<char>(std::size_t{64} << 10);
  std::unordered_map<ConnectionTable::Id, std::shared_ptr<Connection>> connections;
  std::time_t date_time = 0;
  std::string date;
};

struct HttpServer::Core : std::enable_shared_from_this<HttpServer::Core> {
  Core(const ServerOptions& given, HttpHandler& to, Log& to_log, Metrics& to_metrics)
      : options(given),
        handler(to),
        log(to_log),
        metrics(to_metrics),
        table(given.limits.connections, given.limits.connections_per_peer) {}

  Result<void> Listen();
  void Run();
  void WaitForConnection();
  void AcceptAll();
  void Adopt(int fd, const sockaddr_storage& address);
  void PauseAccepting();
  void Evict(ConnectionTable::Id id);
  void Removed(ConnectionTable::Id id);
  template <typename F>
  void OnEveryConnection(F visit);
  void Stop(Duration grace);

  const ServerOptions options;
  HttpHandler& handler;
  Log& log;
  Metrics& metrics;
  ConnectionTable table;
  CallerShares shares;
  std::vector<std::shared_ptr<Worker>> workers;
  std::unique_ptr<IoSocket> acceptor;
  std::unique_ptr<IoTimer> accept_timer;
  std::uint16_t port = 0;
  std::size_t next_worker = 0;
  std::atomic<bool> stopping = false;
  std::atomic<std::size_t> bodies_bytes = 0;
  const std::shared_ptr<std::atomic<std::size_t>> answers_bytes =
      std::make_shared<std::atomic<std::size_t>>(0);
  std::mutex mutex;
  std::condition_variable changed;
  std::shared_ptr<const TlsContext> tls;  // Guarded by mutex.
  bool joined = false;
};

/// One accepted socket. Lives on its worker's thread; only Post may be called from elsewhere.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<HttpServer::Core> core, std::shared_ptr<Worker> worker, int fd,
             ConnectionTable::Id id, std::string peer)
      : core_(std::move(core)),
        worker_(std::move(worker)),
        socket_(worker_->loop, fd),
        timer_(worker_->loop),
        stream_(fd),
        fd_(fd),
        id_(id),
        peer_(std::move(peer)) {}

  void Start();
  /// `held` counts the answer until it is sent.
  void Respond(HttpResponse response, std::shared_ptr<AnswerHold> held);
  void BeginStream(const HttpResponse& head, std::shared_ptr<StreamQueue> queue,
                   std::function<void()> closed);
  void Run();
  void Close();
  void BeginStop();
  /// Closes unless a request of somebody who is known is under way.
  void CloseIfIdle();
  /// Takes one of the caller's streams, if it has one left, until the result is called. While the
  /// handler has the request; any thread.
  std::function<void()> TakeStream(std::function<void()> closed);
  /// Counts the answer, or puts a refusal in its place. While the handler has the request; any
  /// thread.
  std::shared_ptr<AnswerHold> HoldAnswer(HttpResponse& response);
  /// Counts nothing yet. As HoldAnswer.
  std::shared_ptr<AnswerHold> MakeHold() const;

  template <typename F>
  bool Post(F work) {
    return worker_->loop.Post(
        [self = shared_from_this(), work = std::move(work)]() mutable { work(*self); });
  }
  bool OnOwnThread() { return worker_->loop.IsThisThread(); }
  const ServerLimits& limits() const { return core_->options.limits; }

 private:
  enum class State : std::uint8_t {
    kHandshake,  // TLS not established.
    kReading,    // A request, or waiting for one.
    kHandling,   // The handler has it.
    kWriting,    // A whole response, then the next request.
    kStreaming,
    kLinger,  // Everything sent; reads and drops until the peer closes.
    kClosed,
  };
  enum class Next : std::uint8_t { kAgain, kWait };

  Next Step();
  Next StepHandshake();
  Next StepRead();
  Next StepWrite();
  Next StepStream();
  Next StepLinger();
  Next Consume(std::string_view bytes);
  Next AfterFeed();
  Next SendContinue();
  Next Write();
  bool BeginRequest();
  void EndRequest();
  void HandOver();
  void PermitBody();
  void Refuse(int status, std::string message);
  void Refuse(HttpResponse response);
  void EnterReading(Duration deadline);
  void FinishResponse();
  void QueueResponse(HttpResponse response, bool keep_alive);
  bool ReserveBody();
  void ReleaseBody();
  IoResult Read(std::string_view& bytes);
  Next Wait(IoResult::Status status);
  void WaitReadable();
  void WaitWritable();
  void SetDeadline(Duration from_now);
  void ArmTimer();
  void OnDeadline();
  void CountRefused(std::string_view reason) {
    core_->metrics.Count("midwatch_http_refused_total", {{"reason", reason}});
  }

  const std::shared_ptr<HttpServer::Core> core_;
  const std::shared_ptr<Worker> worker_;
  IoSocket socket_;
  IoTimer timer_;
  SocketStream stream_;
  const int fd_;
  const ConnectionTable::Id id_;
  const std::string peer_;
  std::shared_ptr<const TlsContext> tls_;

  State state_ = State::kHandshake;
  bool running_ = false;
  bool again_ = false;
  bool waiting_read_ = false;
  bool waiting_write_ = false;
  SteadyTime deadline_ = SteadyTime::max();
  SteadyTime armed_ = SteadyTime::max();

  std::string caller_;                          // Of the last request; empty: nobody known.
  std::shared_ptr<CallerShares::Share> share_;  // The caller's, with its other connections.
  bool busy_ = false;                           // A request of the caller is under way.
  std::unique_ptr<RequestReader> reader_;
  std::optional<HttpResponse> beyond_;  // To a body larger than the handler permits.
  std::string ahead_;                   // Received, not yet read as a request.
  std::size_t body_reserved_ = 0;
  bool continued_ = false;
  bool keep_alive_ = true;
  bool http10_ = false;
  bool head_only_ = false;
  bool reads_ = false;  // The request changes nothing.

  std::string out_;                   // What goes out next,
  std::string out_body_;              // and then this.
  std::shared_ptr<AnswerHold> held_;  // Counts what goes out of a whole response.
  std::size_t out_done_ = 0;
  std::size_t linger_bytes_ = 0;
  std::shared_ptr<StreamQueue> queue_;  // Shared with the handler's stream.
  std::function<void()> on_stream_closed_;
  bool queue_ended_ = false;
};

}  // namespace midwatch::http
