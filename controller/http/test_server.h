#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "controller/http/http_server.h"
#include "controller/http/raw_peer.h"

namespace midwatch::http {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kSoon{300};

/// /echo answers with the body, /size with its size, /big with 8 MiB, /held keeps the responder,
/// /stream the stream, 429 if there is none; /small takes bodies of 10 bytes. Without a field
/// Authorization, somebody known asks; with an empty one nobody who is.
class TestHandler final : public HttpHandler {
 public:
  std::string Caller(const HttpRequest& head) override {
    for (const auto& [name, value] : head.headers) {
      if (name == "Authorization") {
        return value;
      }
    }
    return "somebody";
  }
  std::optional<BodyPermit> PermitBody(const HttpRequest& head) override {
    EXPECT_TRUE(head.body.empty());
    if (head.target != "/small") {
      return std::nullopt;
    }
    return BodyPermit{10, {413, {{"X-Why", std::string(head.Header("Host"))}}, "ten at most"}};
  }
  void Handle(HttpRequest request, std::unique_ptr<HttpResponder> responder) override {
    const std::lock_guard lock(mutex_);
    ++requests;
    last = request;
    if (request.target == "/held") {
      held.push_back(std::move(responder));
    } else if (request.target == "/stream") {
      HttpResponse head;
      head.headers = {{"Content-Type", "application/json"}};
      auto stream = responder->Stream(std::move(head), [this] {
        const std::lock_guard inner(closed_mutex);
        ++closed;
        changed.notify_all();
      });
      if (stream == nullptr) {
        responder->Respond({429, {}, "no more streams"});
      } else {
        streams.push_back(std::move(stream));
      }
    } else if (request.target == "/forgotten") {
      responder.reset();
    } else if (request.target == "/big") {
      responder->Respond({200, {}, std::string(std::size_t{8} << 20, 'x')});
    } else if (request.target == "/size") {
      responder->Respond({200, {}, std::to_string(request.body.size())});
    } else {
      responder->Respond({200, {{"X-Test", "a\r\nInjected: yes"}}, request.body});
    }
    changed.notify_all();
  }

  template <typename Predicate>
  bool WaitFor(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed.wait_for(lock, seconds(5), predicate);
  }
  bool WaitForClosed(int count) {
    std::unique_lock lock(closed_mutex);
    return changed_closed(lock, count);
  }
  std::shared_ptr<HttpStream> Stream() {
    WaitFor([this] { return !streams.empty(); });
    const std::lock_guard lock(mutex_);
    return streams.back();
  }

  std::mutex mutex_;
  std::mutex closed_mutex;
  std::condition_variable changed;
  int requests = 0;
  int closed = 0;
  HttpRequest last;
  std::vector<std::unique_ptr<HttpResponder>> held;
  std::vector<std::shared_ptr<HttpStream>> streams;

 private:
  bool changed_closed(std::unique_lock<std::mutex>& lock, int count) {
    return changed.wait_for(lock, seconds(5), [&] { return closed >= count; });
  }
};

class CountingMetrics final : public Metrics {
 public:
  void Count(std::string_view name, MetricLabels labels, double by) override {
    const std::lock_guard lock(mutex_);
    counts_[Key(name, labels)] += by;
  }
  void Set(std::string_view, MetricLabels, double) override {}
  void Observe(std::string_view, MetricLabels, double) override {}
  double Of(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return counts_[key];
  }

 private:
  static std::string Key(std::string_view name, MetricLabels labels) {
    std::string key(name);
    for (const auto& [label, value] : labels) {
      key += " " + std::string(label) + "=" + std::string(value);
    }
    return key;
  }
  std::mutex mutex_;
  std::map<std::string, double> counts_;
};

class HttpServerTest : public testing::Test {
 protected:
  void Start(bool tls = false) {
    options_.port = 0;
    if (tls) {
      const WallTime now{std::time(nullptr) * 1'000'000};
      const auto authority = MakeCertificateAuthority("test", now, std::chrono::hours(1));
      options_.tls = *MakeServerCertificate(*authority, {"localhost", "127.0.0.1"}, now,
                                            std::chrono::hours(1));
    }
    auto started = HttpServer::Start(options_, handler_, log_, metrics_);
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
  }
  RawPeer Connect(bool tls = false) { return RawPeer(server_->port(), tls); }
  std::string Exchange(std::string_view request) {
    RawPeer peer = Connect();
    peer.Send(request);
    return peer.ReadAll(seconds(5));
  }
  /// What is answered to `other` once `held`, of which the end is missing, takes its room.
  std::string AnswerBeside(std::optional<RawPeer>& holding, std::string_view held,
                           std::string_view other) {
    std::string got;
    for (int i = 0; i < 200 && got.empty(); ++i) {
      if (!holding || !holding->ReadAll(milliseconds(1)).empty()) {  // The other one came first.
        holding.emplace(Connect());
        holding->Send(held);
      }
      RawPeer peer = Connect();
      peer.Send(other);
      got = peer.ReadAll(milliseconds(50));
    }
    return got;
  }
  bool WaitForConnections(std::size_t count) {
    const auto end = std::chrono::steady_clock::now() + seconds(5);
    while (server_->ConnectionCount() != count && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    return server_->ConnectionCount() == count;
  }

  ServerOptions options_;
  TestHandler handler_;
  NoLog log_;
  CountingMetrics metrics_;
  std::unique_ptr<HttpServer> server_;
};

inline std::string StatusLine(const std::string& response) {
  return response.substr(0, response.find('\r'));
}

inline std::string Post(const std::string& headers, const std::string& body) {
  return "POST /size HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "\r\n" + body;
}
inline std::string Chunked(const std::string& body) {
  return Post("Transfer-Encoding: chunked\r\n", body);
}
inline std::string Get(const std::string& headers) {
  return "GET /echo HTTP/1.1\r\n" + headers + "\r\n";
}

}  // namespace midwatch::http
