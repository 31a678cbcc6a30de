#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/response_reader.h"

struct ssl_st;

namespace midwatch::bench {

/// Where the API is and who asks.
struct Endpoint {
  std::uint16_t port = 0;  ///< On 127.0.0.1.
  std::string ca_file;     ///< PEM; the server's certificate must be signed by it.
  std::string token;       ///< Bearer; empty: anonymous.
};

/// Ends the process with a message: a measurement that went wrong has no figure.
[[noreturn]] void Die(const std::string& message);

/// A whole request with the endpoint's token; `body` may be empty.
std::string MakeRequest(const Endpoint& endpoint, std::string_view method, std::string_view path,
                        std::string_view body);

/// A kept-alive TLS connection on a raw socket, without a thread of its own: wait for its
/// descriptor with poll(2), then call OnReady. Dies when the server closes it.
class Connection {
 public:
  /// Connects and shakes hands; null if that failed.
  static std::unique_ptr<Connection> Open(const Endpoint& endpoint, ResponseReader::Sink sink);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Send(std::string_view request);
  void OnReady();
  int descriptor() const { return descriptor_; }
  short events() const;  ///< To poll for.

 private:
  Connection(int descriptor, ssl_st* tls, ResponseReader::Sink sink);
  void Flush();

  int descriptor_;
  ssl_st* tls_;
  ResponseReader reader_;
  std::string unsent_;
};

/// Waits until one of them is ready and serves those that are.
void Serve(std::initializer_list<Connection*> connections);

/// One request at a time, and its answer.
class Caller {
 public:
  struct Answer {
    int status = 0;
    std::string body;
  };
  explicit Caller(const Endpoint& endpoint);

  Answer Call(std::string_view method, std::string_view path, std::string_view body = {});
  /// The same without waiting: `answered` turns true while the connection is served.
  void Begin(std::string_view method, std::string_view path, std::string_view body);
  bool answered() const { return answered_; }
  const Answer& answer() const { return answer_; }
  Connection* connection() { return connection_.get(); }

 private:
  const Endpoint& endpoint_;
  Answer answer_;
  bool answered_ = true;
  std::unique_ptr<Connection> connection_;
};

/// A watch: its events as lines. Begins where the collection is now, so that none are of before.
class Watcher {
 public:
  using OnLine = std::function<void(std::string_view line)>;
  /// Returns when the server has accepted it. `path` may have a query.
  Watcher(const Endpoint& endpoint, const std::string& path, OnLine on_line);
  Connection* connection() { return connection_.get(); }

 private:
  void Take(std::string_view piece);

  OnLine on_line_;
  std::string line_;
  int status_ = 0;
  std::unique_ptr<Connection> connection_;
};

}  // namespace midwatch::bench
