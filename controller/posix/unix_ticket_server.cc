#include "controller/posix/unix_ticket_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "controller/base/digest.h"
#include "controller/posix/descriptor.h"
#include "controller/posix/system_clock.h"

namespace midwatch::posix {
namespace {

constexpr std::size_t kReadPiece = 64 << 10;
constexpr int kBacklog = 16;
constexpr std::size_t kNameLength = 16;
constexpr mode_t kWorkMode = S_IRWXU | S_IXGRP;  // A sandbox enters it before it becomes its user.

struct Listener {
  Descriptor fd;
  Secret<std::string> ticket;
  std::function<std::shared_ptr<TicketSink>()> accept;
  std::size_t peers = 0;  // Belongs to the loop's thread.
};

struct Peer {
  Descriptor fd;
  std::shared_ptr<Listener> listener;
  std::shared_ptr<TicketSink> sink;  // None until the ticket was shown.
  std::string ticket;                // What came of it so far.
  MonoTime ticket_until;
  // Guarded by the loop's mutex.
  std::deque<std::string> queue;
  std::size_t queued = 0;
  std::size_t offset = 0;
  bool closed = false;
};

Result<Descriptor> Listen(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Fail(ErrorCode::kTooLarge,
                "socket " + path + ": the path is too long for a Unix socket");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Fail(SystemError("make socket", errno));
  const auto* bare = reinterpret_cast<const sockaddr*>(&address);
  if (bind(fd.get(), bare, sizeof address) != 0 || listen(fd.get(), kBacklog) != 0) {
    return Fail(SystemError("listen on " + path, errno));
  }
  chmod(path.c_str(), S_IRUSR | S_IWUSR);
  return fd;
}

/// Held as long as the descriptor is open, by this process alone.
Result<Descriptor> Lock(const std::string& path) {
  Descriptor file(open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file) return Fail(SystemError("open " + path, errno));
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return Fail(ErrorCode::kAlreadyExists,
                path + ": another process works there; give each agent its own --data directory");
  }
  return file;
}

/// To be called while nobody else could have put something else there. The group stays ours.
Result<void> GiveTo(const std::optional<uid_t>& user, const std::string& path) {
  constexpr auto kSameGroup = static_cast<gid_t>(-1);
  if (user && lchown(path.c_str(), *user, kSameGroup) != 0) {
    return Fail(SystemError("give away " + path, errno));
  }
  return {};
}

}  // namespace

/// The thread that accepts, reads and writes.
class UnixTicketServer::Loop : public std::enable_shared_from_this<UnixTicketServer::Loop> {
 public:
  explicit Loop(Descriptor wake) : wake_(std::move(wake)) {}

  void Start() {
    thread_ = std::thread([this] { Run(); });
  }
  void StopAndJoin() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    Signal(wake_);
    thread_.join();
  }
  void Add(std::shared_ptr<Listener> listener) {
    const std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(listener));
    Signal(wake_);
  }
  void Remove(const std::shared_ptr<Listener>& listener) {
    const std::lock_guard lock(mutex_);
    std::erase(listeners_, listener);
    for (const auto& peer : peers_) {
      if (peer->listener == listener) peer->closed = true;
    }
    Signal(wake_);
  }
  bool Write(Peer& peer, std::string bytes) {
    const std::lock_guard lock(mutex_);
    if (peer.closed) return false;
    if (bytes.size() > kMaxQueued - peer.queued) peer.closed = true;
    if (!peer.closed) {
      peer.queued += bytes.size();
      if (!bytes.empty()) peer.queue.push_back(std::move(bytes));
    }
    Signal(wake_);
    return !peer.closed;
  }
  void Close(Peer& peer) {
    const std::lock_guard lock(mutex_);
    peer.closed = true;
    Signal(wake_);
  }
  void Resume() { Signal(wake_); }

 private:
  class Connection final : public TicketConnection {
   public:
    Connection(std::shared_ptr<Loop> loop, std::shared_ptr<Peer> peer)
        : loop_(std::move(loop)), peer_(std::move(peer)) {}
    ~Connection() override { Close(); }
    bool Write(std::string bytes) override { return loop_->Write(*peer_, std::move(bytes)); }
    void Close() override { loop_->Close(*peer_); }
    void Resume() override { loop_->Resume(); }

   private:
    std::shared_ptr<Loop> loop_;
    std::shared_ptr<Peer> peer_;
  };

  void Run() {
    for (;;) {
      std::vector<std::shared_ptr<Listener>> listeners;
      std::vector<pollfd> polls{{wake_.get(), POLLIN, 0}};
      int timeout = -1;
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) break;
        listeners = listeners_;
        for (const auto& one : listeners) {
          const bool full = one->peers >= kMaxConnections;
          polls.push_back({full ? -1 : one->fd.get(), POLLIN, 0});
        }
        for (const auto& peer : peers_) {
          const int writes = peer->queue.empty() ? 0 : POLLOUT;
          const int reads = IsFull(*peer) ? 0 : POLLIN;
          const bool idle = writes == 0 && reads == 0;  // Poll would tell of its end all the time.
          polls.push_back({idle ? -1 : peer->fd.get(), static_cast<short>(reads | writes), 0});
          if (!peer->sink) timeout = 1000;
        }
      }
      poll(polls.data(), polls.size(), timeout);
      if (polls[0].revents != 0) Drain(wake_);
      const std::vector<std::shared_ptr<Peer>> peers = peers_;
      for (std::size_t i = 0; i < listeners.size(); ++i) {
        if (polls[1 + i].revents != 0) Accept(listeners[i]);
      }
      for (std::size_t i = 0; i < peers.size(); ++i) {
        Serve(peers[i], polls[1 + listeners.size() + i].revents);
      }
      DropClosed();
    }
    for (const auto& peer : peers_) {
      if (peer->sink) peer->sink->OnClosed();
    }
    const std::lock_guard lock(mutex_);
    peers_.clear();
    listeners_.clear();
  }

  static bool IsFull(const Peer& peer) { return peer.sink && !peer.sink->WantsMore(); }

  void Accept(const std::shared_ptr<Listener>& listener) {
    Descriptor fd(accept4(listener->fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    auto peer = std::make_shared<Peer>();
    peer->fd = std::move(fd);
    peer->listener = listener;
    peer->ticket_until = BootTime() + kTicketTime;
    ++listener->peers;
    const std::lock_guard lock(mutex_);
    peers_.push_back(std::move(peer));
  }

  void Serve(const std::shared_ptr<Peer>& peer, short events) {
    if ((events & POLLOUT) != 0) Flush(*peer);
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
      if (!IsFull(*peer)) {
        Read(peer);
      } else if ((events & (POLLHUP | POLLERR)) != 0) {
        Close(*peer);
      }
    }
    if (!peer->sink && BootTime() >= peer->ticket_until) Close(*peer);
  }

  void Flush(Peer& peer) {
    const std::lock_guard lock(mutex_);
    while (!peer.queue.empty()) {
      const std::string& piece = peer.queue.front();
      const ssize_t sent = send(peer.fd.get(), piece.data() + peer.offset,
                                piece.size() - peer.offset, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (sent < 0) {
        peer.closed = true;
        return;
      }
      peer.offset += static_cast<std::size_t>(sent);
      peer.queued -= static_cast<std::size_t>(sent);
      if (peer.offset < piece.size()) return;
      peer.queue.pop_front();
      peer.offset = 0;
    }
  }

  void Read(const std::shared_ptr<Peer>& peer) {
    char buffer[kReadPiece];
    const ssize_t got = read(peer->fd.get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return Close(*peer);
    std::string_view bytes(buffer, static_cast<std::size_t>(got));
    if (!peer->sink && !Admit(peer, bytes)) return;
    if (!bytes.empty()) peer->sink->OnBytes(bytes);
  }

  /// Takes the ticket's line from `bytes`. False: it is not complete, or wrong.
  bool Admit(const std::shared_ptr<Peer>& peer, std::string_view& bytes) {
    const std::size_t end = bytes.find('\n');
    peer->ticket += bytes.substr(0, end);
    if (peer->ticket.size() > kMaxTicket) {
      Close(*peer);
      return false;
    }
    if (end == std::string_view::npos) return false;
    bytes.remove_prefix(end + 1);
    if (!ConstantTimeEquals(peer->ticket, peer->listener->ticket.Reveal())) {
      Close(*peer);
      return false;
    }
    peer->ticket.clear();
    peer->sink = peer->listener->accept();
    if (!peer->sink) {
      Close(*peer);
      return false;
    }
    peer->sink->OnOpen(std::make_shared<Connection>(shared_from_this(), peer));
    return true;
  }

  void DropClosed() {
    std::vector<std::shared_ptr<Peer>> gone;
    {
      const std::lock_guard lock(mutex_);
      const auto first = std::stable_partition(peers_.begin(), peers_.end(),
                                               [](const auto& peer) { return !peer->closed; });
      gone.assign(first, peers_.end());
      peers_.erase(first, peers_.end());
    }
    for (const auto& peer : gone) {
      --peer->listener->peers;
      peer->fd.Close();
      if (peer->sink) peer->sink->OnClosed();
      peer->sink.reset();
    }
  }

  const Descriptor wake_;
  std::mutex mutex_;
  bool stopping_ = false;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<std::shared_ptr<Peer>> peers_;  // Changed by the loop's thread alone, under the lock.
  std::thread thread_;
};

/// What Open gives out.
class UnixTicketServer::Socket final : public TicketSocket {
 public:
  Socket(std::shared_ptr<Loop> loop, std::shared_ptr<DirectoryRemover> remover,
         std::shared_ptr<Listener> listener, std::string folder)
      : loop_(std::move(loop)),
        remover_(std::move(remover)),
        listener_(std::move(listener)),
        folder_(std::move(folder)),
        path_(folder_ + "/mcp.sock"),
        directory_(folder_ + "/work") {}
  ~Socket() override {
    loop_->Remove(listener_);
    remover_->Remove(folder_);
  }
  const std::string& path() const override { return path_; }
  const std::string& directory() const override { return directory_; }

 private:
  std::shared_ptr<Loop> loop_;
  const std::shared_ptr<DirectoryRemover> remover_;
  std::shared_ptr<Listener> listener_;
  const std::string folder_;
  const std::string path_;
  const std::string directory_;
};

Result<std::unique_ptr<UnixTicketServer>> UnixTicketServer::Start(const std::string& directory,
                                                                  ProcessRunner& processes,
                                                                  Log& log,
                                                                  std::optional<uid_t> user) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(directory, error);
  std::filesystem::create_directories(absolute.parent_path(), error);
  MIDWATCH_ASSIGN(Descriptor lock, Lock(absolute.string() + ".lock"));
  auto remover = std::make_shared<DirectoryRemover>(absolute.string() + ".gone", processes, log);
  remover->Remove(absolute.string());
  std::filesystem::create_directories(absolute, error);
  if (error) return Fail(SystemError("make directory " + absolute.string(), error.value()));
  chmod(absolute.c_str(), S_IRWXU);
  MIDWATCH_ASSIGN(Descriptor wake, MakeEvent());
  auto loop = std::make_shared<Loop>(std::move(wake));
  loop->Start();
  return std::unique_ptr<UnixTicketServer>(
      new UnixTicketServer(absolute, user, std::move(lock), std::move(remover), std::move(loop)));
}

UnixTicketServer::~UnixTicketServer() {
  loop_->StopAndJoin();
  remover_->Stop();
}

Result<std::unique_ptr<TicketSocket>> UnixTicketServer::Open(
    std::string name, Secret<std::string> ticket,
    std::function<std::shared_ptr<TicketSink>()> accept) {
  const std::string folder = directory_ + "/" + ShortHash(name, kNameLength);
  remover_->Remove(folder);
  const std::string work = folder + "/work";
  if (mkdir(folder.c_str(), S_IRWXU) != 0 || mkdir(work.c_str(), S_IRWXU) != 0 ||
      chmod(work.c_str(), kWorkMode) != 0) {
    return Fail(SystemError("make directory " + folder, errno));
  }
  auto listener = std::make_shared<Listener>();
  MIDWATCH_ASSIGN(listener->fd, Listen(folder + "/mcp.sock"));
  MIDWATCH_TRY(GiveTo(user_, folder + "/mcp.sock"));
  MIDWATCH_TRY(GiveTo(user_, work));
  listener->ticket = std::move(ticket);
  listener->accept = std::move(accept);
  loop_->Add(listener);
  return std::make_unique<Socket>(loop_, remover_, std::move(listener), folder);
}

}  // namespace midwatch::posix
