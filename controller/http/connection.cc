#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "controller/base/check.h"
#include "controller/http/server_core.h"

namespace midwatch::http {
namespace {

constexpr std::size_t kStreamPiece = std::size_t{256} << 10;
constexpr std::size_t kWritePiece = std::size_t{256} << 10;  // At once, of an answer.
constexpr std::size_t kJoinHeadAndBody = std::size_t{16} << 10;
constexpr std::size_t kLingerBytes = std::size_t{8} << 20;
constexpr int kStreamSendBuffer = 256 << 10;  // Else the kernel hides a slow reader for megabytes.
constexpr int kTooLarge = 413;
constexpr SteadyTime kNever = SteadyTime::max();
// As long as a connection that always has something to do goes on before others have their turn.
constexpr auto kTurn = std::chrono::microseconds(250);

HttpResponse PlainText(int status, std::string message) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(message) + "\n"};
}

/// The handler's side of a streamed body.
class StreamHandle final : public HttpStream {
 public:
  StreamHandle(std::shared_ptr<Connection> connection, std::shared_ptr<StreamQueue> queue)
      : connection_(std::move(connection)), queue_(std::move(queue)) {}
  ~StreamHandle() override { Wake(queue_->End()); }

  bool Write(std::string bytes) override {
    switch (queue_->Push(std::move(bytes))) {
      case StreamQueue::Outcome::kQueued:
        return true;
      case StreamQueue::Outcome::kQueuedWake:
        return Wake(true);
      case StreamQueue::Outcome::kClosed:
        return false;
      case StreamQueue::Outcome::kOverflow:
        connection_->Post([](Connection& connection) { connection.Close(); });
        return false;
    }
    return false;
  }
  bool HasRoom(const std::function<void()>& again) override { return queue_->HasRoom(again); }
  void End() override { Wake(queue_->End()); }

 private:
  bool Wake(bool needed) {
    return !needed || connection_->Post([](Connection& connection) { connection.Run(); });
  }

  const std::shared_ptr<Connection> connection_;
  const std::shared_ptr<StreamQueue> queue_;
};

class Responder final : public HttpResponder {
 public:
  explicit Responder(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  ~Responder() override {
    if (connection_ != nullptr) {
      Respond(PlainText(500, "the request was not answered"));
    }
  }

  void Respond(HttpResponse response) override {
    const auto connection = std::exchange(connection_, nullptr);
    if (connection == nullptr) {
      return;
    }
    auto held = connection->HoldAnswer(response);
    if (connection->OnOwnThread()) {
      connection->Respond(std::move(response), std::move(held));
      return;
    }
    connection->Post(
        [response = std::move(response), held = std::move(held)](Connection& c) mutable {
          c.Respond(std::move(response), std::move(held));
        });
  }

  std::shared_ptr<HttpStream> Stream(HttpResponse head, std::function<void()> closed) override {
    MIDWATCH_CHECK(connection_ != nullptr);
    closed = connection_->TakeStream(std::move(closed));
    if (closed == nullptr) {
      return nullptr;
    }
    const auto connection = std::exchange(connection_, nullptr);
    auto queue = std::make_shared<StreamQueue>(connection->limits().stream_queue_bytes,
                                               connection->MakeHold());
    const bool posted =
        connection->Post([head = std::move(head), queue, closed](Connection& c) mutable {
          c.BeginStream(head, std::move(queue), std::move(closed));
        });
    if (!posted) {
      queue->Close();
      closed();
    }
    return std::make_shared<StreamHandle>(connection, queue);
  }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace

void Connection::Start() {
  if (core_->options.tls) {
    const std::lock_guard lock(core_->mutex);
    tls_ = core_->tls;
  }
  core_->table.MarkIdle(id_);
  if (tls_ == nullptr) {
    EnterReading(limits().first_byte);
  } else {
    SetDeadline(limits().first_byte);
    WaitReadable();
  }
}

void Connection::Run() {
  if (running_) {
    again_ = true;
    return;
  }
  running_ = true;
  const auto self = shared_from_this();
  const SteadyTime turn_over = std::chrono::steady_clock::now() + kTurn;
  bool more = true;
  while (more && state_ != State::kClosed) {
    again_ = false;
    more = Step() == Next::kAgain || again_;
    if (more && std::chrono::steady_clock::now() >= turn_over) {
      break;
    }
  }
  running_ = false;
  if (more && state_ != State::kClosed) {
    Post([](Connection& connection) { connection.Run(); });
  }
}

Connection::Next Connection::Step() {
  switch (state_) {
    case State::kHandshake:
      return StepHandshake();
    case State::kReading:
      return StepRead();
    case State::kWriting:
      return StepWrite();
    case State::kStreaming:
      return StepStream();
    case State::kLinger:
      return StepLinger();
    case State::kHandling:
    case State::kClosed:
      return Next::kWait;
  }
  return Next::kWait;
}

Connection::Next Connection::Wait(IoResult::Status status) {
  if (status == IoResult::Status::kWantRead) {
    WaitReadable();
  } else if (status == IoResult::Status::kWantWrite) {
    WaitWritable();
  } else {
    Close();
  }
  return Next::kWait;
}

Connection::Next Connection::StepHandshake() {
  if (tls_ != nullptr) {
    // The TLS machine is made when the peer has said something, not before.
    char first = 0;
    const ssize_t n = ::recv(fd_, &first, 1, MSG_PEEK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      WaitReadable();
      return Next::kWait;
    }
    constexpr char kTlsHandshake = 0x16;
    if (n <= 0) {
      Close();
      return Next::kWait;
    }
    if (first != kTlsHandshake) {
      CountRefused("plain_http");
      Refuse(400, "this port speaks HTTPS");
      return Next::kAgain;
    }
    if (!stream_.BeginTls(*tls_)) {
      Close();
      return Next::kWait;
    }
    tls_ = nullptr;
  }
  const IoResult result = stream_.Handshake();
  if (result.status != IoResult::Status::kDone) {
    return Wait(result.status);
  }
  EnterReading(limits().first_byte);
  return Next::kAgain;
}

void Connection::EnterReading(Duration deadline) {
  state_ = State::kReading;
  SetDeadline(deadline);
  if (ahead_.empty() && !stream_.HasBuffered()) {
    WaitReadable();
  } else {
    Run();
  }
}

IoResult Connection::Read(std::string_view& bytes) {
  const IoResult result = stream_.Read(worker_->scratch.data(), worker_->scratch.size());
  bytes = std::string_view(worker_->scratch.data(), result.bytes);
  return result;
}

Connection::Next Connection::StepRead() {
  if (!ahead_.empty()) {
    const std::string ahead = std::exchange(ahead_, {});
    return Consume(ahead);
  }
  std::string_view bytes;
  const IoResult result = Read(bytes);
  if (result.status == IoResult::Status::kDone) {
    return Consume(bytes);
  }
  return Wait(result.status);
}

Connection::Next Connection::Consume(std::string_view bytes) {
  if (!reader_) {
    reader_ = std::make_unique<RequestReader>(limits().request.head_bytes);
    continued_ = false;
    beyond_.reset();
    SetDeadline(limits().head);
  }
  const std::size_t used = reader_->Feed(bytes);
  ahead_.assign(bytes.substr(used));
  return AfterFeed();
}

Connection::Next Connection::AfterFeed() {
  switch (reader_->state()) {
    case RequestReader::State::kHead:
      return Next::kAgain;
    case RequestReader::State::kPermit:
      if (!BeginRequest()) {
        return Next::kAgain;
      }
      SetDeadline(limits().body);
      PermitBody();
      return AfterFeed();
    case RequestReader::State::kBody:
      if (!ReserveBody()) {
        return Next::kAgain;
      }
      if (reader_->WantsContinue() && !std::exchange(continued_, true) && ahead_.empty()) {
        return SendContinue();
      }
      return Next::kAgain;
    case RequestReader::State::kRefused:
      if (beyond_ && reader_->refusal().status == kTooLarge) {
        CountRefused("body");
        Refuse(*std::move(beyond_));
      } else {
        CountRefused("malformed");
        Refuse(reader_->refusal().status, reader_->refusal().message);
      }
      return Next::kAgain;
    case RequestReader::State::kDone:
      if (!busy_ && !BeginRequest()) {
        return Next::kAgain;
      }
      HandOver();
      return state_ == State::kHandling ? Next::kWait : Next::kAgain;
  }
  return Next::kWait;
}

/// The head is read: it is known whose request this is. False: it is refused, or the connection
/// closed. A stranger's makes nothing busy.
bool Connection::BeginRequest() {
  if (std::string caller = core_->handler.Caller(reader_->Head()); caller != caller_) {
    caller_ = std::move(caller);
    share_ = caller_.empty() ? nullptr : core_->shares.Of(caller_);
  }
  if (share_ == nullptr) {
    return true;
  }
  if (!core_->table.MarkBusy(id_)) {
    Close();
    return false;
  }
  if (!TakeOne(share_->requests, limits().requests_per_caller)) {
    core_->table.MarkIdle(id_);
    CountRefused("requests_of_caller");
    Refuse(core_->options.share_used_up);
    return false;
  }
  busy_ = true;
  return true;
}

/// Nothing of a request is left to be done.
void Connection::EndRequest() {
  if (std::exchange(busy_, false)) {
    share_->requests.fetch_sub(1);
    core_->table.MarkIdle(id_);
  }
}

std::function<void()> Connection::TakeStream(std::function<void()> closed) {
  if (share_ == nullptr) {
    return closed;
  }
  if (!TakeOne(share_->streams, limits().streams_per_caller)) {
    CountRefused("streams_of_caller");
    return nullptr;
  }
  return [share = share_, closed = std::move(closed)] {
    share->streams.fetch_sub(1);
    closed();
  };
}

std::shared_ptr<AnswerHold> Connection::MakeHold() const {
  return std::make_shared<AnswerHold>(
      core_->answers_bytes, share_,
      AnswerLimits{limits().answers_bytes, limits().answers_bytes_per_caller});
}

std::shared_ptr<AnswerHold> Connection::HoldAnswer(HttpResponse& response) {
  auto hold = MakeHold();
  const std::size_t bytes = head_only_ ? 0 : response.body.size();
  const auto outcome = hold->Take(bytes, bytes <= kJoinHeadAndBody);
  if (outcome == AnswerHold::Outcome::kTaken) {
    return hold;
  }
  const bool of_caller = outcome == AnswerHold::Outcome::kCallerUsedUp;
  CountRefused(of_caller ? "answers_of_caller" : "answers");
  if (!reads_) {
    response = PlainText(503, "it is done, but too many answers wait to be read to send this one");
  } else if (of_caller) {
    response = core_->options.share_used_up;
  } else {
    response = PlainText(503, "too many answers wait to be read");
  }
  return hold;
}

/// The head is read: the handler says how much of a body may follow.
void Connection::PermitBody() {
  std::size_t bytes = limits().request.body_bytes;
  if (auto permit = core_->handler.PermitBody(reader_->Head())) {
    bytes = permit->bytes;
    beyond_ = std::move(permit->beyond);
  }
  reader_->PermitBody(bytes);
}

Connection::Next Connection::SendContinue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  // Nothing else is in flight, so a send buffer without room for this belongs to a peer that does
  // not read.
  if (stream_.Write(kContinue).bytes == kContinue.size()) {
    return Next::kAgain;
  }
  Close();
  return Next::kWait;
}

/// What the body has grown by is counted. False: it is refused.
bool Connection::ReserveBody() {
  const std::size_t now = reader_->BodyBytes();
  const std::size_t more = now - std::exchange(body_reserved_, now);
  const std::size_t all = core_->bodies_bytes.fetch_add(more) + more;
  const std::size_t callers = share_ ? share_->body_bytes.fetch_add(more) + more : 0;
  if (callers > limits().bodies_bytes_per_caller) {
    CountRefused("bodies_of_caller");
    Refuse(core_->options.share_used_up);
    return false;
  }
  if (all > limits().bodies_bytes) {
    CountRefused("bodies");
    Refuse(503, "too many request bodies at once");
    return false;
  }
  return true;
}

void Connection::ReleaseBody() {
  const std::size_t held = std::exchange(body_reserved_, 0);
  core_->bodies_bytes.fetch_sub(held);
  if (share_ != nullptr) {
    share_->body_bytes.fetch_sub(held);
  }
}

void Connection::HandOver() {
  http10_ = reader_->IsHttp10();
  keep_alive_ = reader_->KeepAlive() && !http10_ && !core_->stopping;
  HttpRequest request = reader_->Take();
  reader_.reset();
  ReleaseBody();
  request.peer = peer_;
  head_only_ = request.method == "HEAD";
  reads_ = head_only_ || request.method == "GET";
  state_ = State::kHandling;
  SetDeadline(Duration::max());
  core_->handler.Handle(std::move(request), std::make_unique<Responder>(shared_from_this()));
}

void Connection::Refuse(int status, std::string message) {
  Refuse(PlainText(status, std::move(message)));
}

void Connection::Refuse(HttpResponse response) {
  reader_.reset();
  ReleaseBody();
  ahead_.clear();
  head_only_ = false;
  http10_ = false;
  QueueResponse(std::move(response), false);
}

void Connection::Respond(HttpResponse response, std::shared_ptr<AnswerHold> held) {
  if (state_ != State::kHandling) {
    return;
  }
  held_ = std::move(held);
  QueueResponse(std::move(response), keep_alive_ && !core_->stopping);
  Run();
}

void Connection::QueueResponse(HttpResponse response, bool keep_alive) {
  static constexpr std::array kClasses = {"1xx", "2xx", "3xx", "4xx", "5xx"};
  const auto row = static_cast<std::size_t>(std::clamp(response.status / 100, 1, 5) - 1);
  core_->metrics.Count("midwatch_http_requests_total", {{"code", kClasses.at(row)}});
  keep_alive_ = keep_alive;
  HeadOptions options;
  options.framing = IsBodiless(response.status) ? Framing::kNone : Framing::kLength;
  options.length = response.body.size();
  options.keep_alive = keep_alive;
  options.date = worker_->Date();
  out_ = MakeResponseHead(response, options);
  out_done_ = 0;
  if (options.framing == Framing::kLength && !head_only_) {
    if (response.body.size() <= kJoinHeadAndBody) {
      out_ += response.body;
    } else {
      out_body_ = std::move(response.body);
    }
  }
  state_ = State::kWriting;
  SetDeadline(limits().write);
}

/// Sends a piece of what is in out_ and out_body_, so that a reader who keeps pace with a large
/// answer takes turns. kAgain: the kernel has it, and all once out_ is empty.
Connection::Next Connection::Write() {
  if (out_.empty()) {
    return Next::kAgain;
  }
  const IoResult result = stream_.Write(std::string_view(out_).substr(out_done_, kWritePiece));
  if (result.status != IoResult::Status::kDone) {
    return Wait(result.status);
  }
  out_done_ += result.bytes;
  if (out_done_ == out_.size()) {
    out_ = std::exchange(out_body_, {});
    out_done_ = 0;
  }
  if (state_ == State::kStreaming) {
    SetDeadline(limits().stream_stall);
  }
  return Next::kAgain;
}

Connection::Next Connection::StepWrite() {
  if (Write() == Next::kWait) {
    return Next::kWait;
  }
  if (!out_.empty()) {
    return Next::kAgain;
  }
  FinishResponse();
  return state_ == State::kLinger ? Next::kAgain : Next::kWait;
}

void Connection::FinishResponse() {
  held_.reset();
  EndRequest();
  if (keep_alive_ && !core_->stopping) {
    EnterReading(limits().idle);
    return;
  }
  stream_.EndWrites();
  state_ = State::kLinger;
  SetDeadline(limits().linger);
}

void Connection::BeginStream(const HttpResponse& head, std::shared_ptr<StreamQueue> queue,
                             std::function<void()> closed) {
  if (state_ != State::kHandling) {
    queue->Close();
    closed();
    return;
  }
  HeadOptions options;
  options.framing = IsBodiless(head.status) ? Framing::kNone
                    : http10_               ? Framing::kUntilEnd
                                            : Framing::kChunked;
  keep_alive_ = keep_alive_ && options.framing != Framing::kUntilEnd && !core_->stopping;
  options.keep_alive = keep_alive_;
  options.date = worker_->Date();
  core_->metrics.Count("midwatch_http_requests_total", {{"code", "2xx"}});
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &kStreamSendBuffer, sizeof(kStreamSendBuffer));
  out_ = MakeResponseHead(head, options);
  out_done_ = 0;
  queue_ = std::move(queue);
  on_stream_closed_ = std::move(closed);
  queue_ended_ = false;
  state_ = State::kStreaming;
  if (head_only_ || options.framing == Framing::kNone) {
    queue_->Close();
    queue_ended_ = true;
  } else if (core_->stopping) {
    queue_->End();
  }
  SetDeadline(limits().stream_stall);
  Run();
}

Connection::Next Connection::StepStream() {
  if (Write() == Next::kAgain) {
    if (!out_.empty()) {
      return Next::kAgain;
    }
    if (queue_ended_) {
      queue_->Close();
      queue_.reset();
      if (const auto closed = std::exchange(on_stream_closed_, nullptr)) {
        closed();
      }
      FinishResponse();
      return state_ == State::kLinger ? Next::kAgain : Next::kWait;
    }
    const StreamQueue::Taken taken = queue_->Take(kStreamPiece);
    queue_ended_ = taken.ended;
    if (!taken.bytes.empty()) {
      http10_ ? void(out_ = taken.bytes) : AppendChunk(taken.bytes, out_);
    }
    if (queue_ended_ && !http10_) {
      out_ += kLastChunk;
    }
    if (!out_.empty() || queue_ended_) {
      SetDeadline(limits().stream_stall);
      return Next::kAgain;
    }
    SetDeadline(Duration::max());
  }
  if (state_ != State::kStreaming || waiting_read_) {
    return Next::kWait;
  }
  // The outstanding read is how a vanished peer is noticed on a quiet stream.
  std::string_view bytes;
  const IoResult result = Read(bytes);
  if (result.status != IoResult::Status::kDone) {
    return Wait(result.status);
  }
  ahead_.append(bytes);
  if (ahead_.size() > limits().pipelined_bytes) {
    CountRefused("pipelined");
    Close();
    return Next::kWait;
  }
  return Next::kAgain;
}

Connection::Next Connection::StepLinger() {
  std::string_view bytes;
  const IoResult result = Read(bytes);
  linger_bytes_ += bytes.size();
  if (result.status != IoResult::Status::kDone) {
    return Wait(result.status);
  }
  if (linger_bytes_ > kLingerBytes) {
    Close();
    return Next::kWait;
  }
  return Next::kAgain;
}

void Connection::WaitReadable() {
  if (std::exchange(waiting_read_, true)) {
    return;
  }
  socket_.WhenReadable([self = shared_from_this()](bool ok) {
    self->waiting_read_ = false;
    ok ? self->Run() : self->Close();
  });
}

void Connection::WaitWritable() {
  if (std::exchange(waiting_write_, true)) {
    return;
  }
  socket_.WhenWritable([self = shared_from_this()](bool ok) {
    self->waiting_write_ = false;
    ok ? self->Run() : self->Close();
  });
}

void Connection::SetDeadline(Duration from_now) {
  if (from_now == Duration::max()) {
    deadline_ = kNever;
    return;
  }
  deadline_ = std::chrono::steady_clock::now() + from_now;
  if (deadline_ < armed_) {
    ArmTimer();
  }
}

// The timer is moved only forwards in time when it fires: most requests set deadlines that never
// come.
void Connection::ArmTimer() {
  armed_ = deadline_;
  timer_.At(armed_, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->state_ == State::kClosed) {
      return;
    }
    self->armed_ = kNever;
    if (std::chrono::steady_clock::now() >= self->deadline_) {
      self->OnDeadline();
    } else if (self->deadline_ != kNever) {
      self->ArmTimer();
    }
  });
}

void Connection::OnDeadline() {
  deadline_ = kNever;
  if (state_ == State::kReading && reader_) {
    CountRefused("slow_request");
    Refuse(408, "the request took too long");
    Run();
    return;
  }
  if (state_ == State::kWriting || state_ == State::kStreaming) {
    CountRefused("slow_reader");
  }
  Close();
}

void Connection::CloseIfIdle() {
  if (!busy_) {
    Close();
  }
}

void Connection::BeginStop() {
  const bool between = state_ == State::kHandshake || state_ == State::kReading;
  if ((between && !busy_) || state_ == State::kLinger) {
    Close();
  } else if (state_ == State::kStreaming) {
    queue_->End();
    Run();
  }
}

void Connection::Close() {
  if (std::exchange(state_, State::kClosed) == State::kClosed) {
    return;
  }
  const auto self = shared_from_this();
  reader_.reset();
  ReleaseBody();
  EndRequest();
  out_ = {};  // Whoever holds a stream may keep this for long.
  out_body_ = {};
  held_.reset();
  timer_.Cancel();
  socket_.Close();
  if (queue_ != nullptr) {
    queue_->Close();
  }
  if (const auto closed = std::exchange(on_stream_closed_, nullptr)) {
    closed();
  }
  worker_->connections.erase(id_);
  core_->Removed(id_);
}

}  // namespace midwatch::http
