#include "controller/agent/session_events.h"

namespace midwatch::agent {
namespace {

class OutputSink final : public ProcessSink {
 public:
  OutputSink(PostEvent post, WaitingBytes waiting)
      : post_(std::move(post)), waiting_(std::move(waiting)) {}

  void OnStdout(std::string_view bytes) override { Pass(bytes, false); }
  void OnStderr(std::string_view bytes) override { Pass(bytes, true); }
  void OnExit(ProcessExit exit) override { post_(ProcessEnded{exit}); }

 private:
  void Pass(std::string_view bytes, bool is_error) {
    if (flooded_) return;
    const std::size_t cost = bytes.size() + kPieceCost;
    if (waiting_->fetch_add(cost) + cost > kMaxWaitingBytes) {
      flooded_ = true;
      post_(ProcessFlooded{});
      return;
    }
    post_(ProcessOutput{std::string(bytes), is_error});
  }

  const PostEvent post_;
  const WaitingBytes waiting_;
  bool flooded_ = false;  // Calls come one at a time.
};

class ToolsSink final : public TicketSink {
 public:
  ToolsSink(PostEvent post, std::uint64_t connection, WaitingBytes waiting)
      : post_(std::move(post)), connection_(connection), waiting_(std::move(waiting)) {}

  void OnOpen(std::shared_ptr<TicketConnection> peer) override {
    post_(ToolsOpened{connection_, std::move(peer)});
  }
  void OnBytes(std::string_view bytes) override {
    waiting_->fetch_add(bytes.size() + kPieceCost);
    post_(ToolsBytes{connection_, std::string(bytes)});
  }
  void OnClosed() override { post_(ToolsClosed{connection_}); }
  bool WantsMore() const override { return waiting_->load() < kFullOfTools; }

 private:
  const PostEvent post_;
  const std::uint64_t connection_;
  const WaitingBytes waiting_;
};

}  // namespace

std::shared_ptr<ProcessSink> MakeProcessSink(PostEvent post, WaitingBytes waiting) {
  return std::make_shared<OutputSink>(std::move(post), std::move(waiting));
}

std::shared_ptr<TicketSink> MakeToolsSink(PostEvent post, std::uint64_t connection,
                                          WaitingBytes waiting) {
  return std::make_shared<ToolsSink>(std::move(post), connection, std::move(waiting));
}

}  // namespace midwatch::agent
