#include <poll.h>

#include <cstdio>

#include "tests/bench/commands.h"
#include "tests/bench/latencies.h"

namespace midwatch::bench {
namespace {

constexpr std::size_t kStride = 7919;  // A prime: consecutive requests are for distant objects.

class Clients {
 public:
  Clients(const Endpoint& endpoint, const LoadOptions& options)
      : endpoint_(endpoint), options_(options), all_(options.clients) {
    for (Client& client : all_) {
      client.connection = Connection::Open(
          endpoint, {.on_head = [&](int status) { client.status = status; },
                     .on_body = [&](std::string_view piece) { OnBody(client, piece); },
                     .on_end = [&] { OnEnd(client); }});
      if (client.connection == nullptr) {
        Die("cannot connect to port " + std::to_string(endpoint.port));
      }
    }
  }

  void Run() {
    const std::int64_t begin = Nanoseconds();
    for (Client& client : all_) {
      SendNext(client);
    }
    std::vector<pollfd> wanted(all_.size());
    while (latencies_.count() < options_.count) {
      for (std::size_t i = 0; i < all_.size(); ++i) {
        wanted[i] = {all_[i].connection->descriptor(), all_[i].connection->events(), 0};
      }
      if (::poll(wanted.data(), wanted.size(), 120'000) <= 0) {
        Die("nothing came for two minutes");
      }
      for (std::size_t i = 0; i < all_.size(); ++i) {
        if (wanted[i].revents != 0) {
          all_[i].connection->OnReady();
        }
      }
    }
    const double seconds = static_cast<double>(Nanoseconds() - begin) / 1e9;
    std::printf(R"({"count":%zu,"seconds":%.6f,"per_second":%.1f,"bytes":%zu,%s})"
                "\n",
                options_.count, seconds, static_cast<double>(options_.count) / seconds, bytes_,
                latencies_.Json("answer").c_str());
  }

 private:
  struct Client {
    std::unique_ptr<Connection> connection = nullptr;
    std::int64_t sent = 0;
    int status = 0;
    std::string error = {};
  };

  void SendNext(Client& client) {
    if (sent_ == options_.count) {
      return;
    }
    std::size_t number = sent_++;
    if (options_.population > 0) {
      number = number * kStride % options_.population;
    }
    number += options_.request.first;
    const std::string request =
        MakeRequest(endpoint_, options_.request.method, Fill(options_.request.path, number),
                    Fill(options_.request.body, number));
    client.sent = Nanoseconds();
    client.connection->Send(request);
  }

  void OnBody(Client& client, std::string_view piece) {
    bytes_ += piece.size();
    if (client.status != options_.expect) {
      client.error += piece;
    }
  }

  void OnEnd(Client& client) {
    if (client.status != options_.expect) {
      Die("status " + std::to_string(client.status) + ": " + client.error);
    }
    latencies_.Add(Nanoseconds() - client.sent);
    SendNext(client);
  }

  const Endpoint& endpoint_;
  const LoadOptions& options_;
  std::vector<Client> all_;
  std::size_t sent_ = 0;
  std::size_t bytes_ = 0;
  Latencies latencies_;
};

}  // namespace

void RunLoad(const Endpoint& endpoint, const LoadOptions& options) {
  Clients(endpoint, options).Run();
}

}  // namespace midwatch::bench
