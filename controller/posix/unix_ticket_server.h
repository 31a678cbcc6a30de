#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "controller/base/time.h"
#include "controller/env/ticket_server.h"
#include "controller/posix/descriptor.h"
#include "controller/posix/directory_remover.h"

namespace midwatch::posix {

/// Ticket sockets as Unix sockets, each in a directory of its own below one directory that only
/// this user may enter. One thread serves them all and calls the sinks.
///
/// A peer has kTicketTime to show the ticket. A connection that reads too slowly is cut off at
/// kMaxQueued. No socket can use up the connections of another.
class UnixTicketServer final : public TicketServer {
 public:
  static constexpr std::size_t kMaxQueued = std::size_t{8} << 20;
  static constexpr std::size_t kMaxTicket = 256;
  static constexpr std::size_t kMaxConnections = 16;  ///< Of a socket; more wait to be accepted.
  static constexpr Duration kTicketTime = std::chrono::seconds(10);

  /// Makes the directory; removes what a former process left in it, and those of sockets that are
  /// gone, by a DirectoryRemover, with `processes` and `log`. kAlreadyExists while another process
  /// serves there. Sockets and their directories belong to `user` where one is given.
  static Result<std::unique_ptr<UnixTicketServer>> Start(const std::string& directory,
                                                         ProcessRunner& processes, Log& log,
                                                         std::optional<uid_t> user = {});
  ~UnixTicketServer() override;

  /// kTooLarge if the path would not fit into a Unix address (107 bytes).
  Result<std::unique_ptr<TicketSocket>> Open(
      std::string name, Secret<std::string> ticket,
      std::function<std::shared_ptr<TicketSink>()> accept) override;

 private:
  class Loop;
  class Socket;
  UnixTicketServer(std::string directory, std::optional<uid_t> user, Descriptor lock,
                   std::shared_ptr<DirectoryRemover> remover, std::shared_ptr<Loop> loop)
      : directory_(std::move(directory)),
        user_(user),
        lock_(std::move(lock)),
        remover_(std::move(remover)),
        loop_(std::move(loop)) {}

  const std::string directory_;
  const std::optional<uid_t> user_;
  const Descriptor lock_;
  const std::shared_ptr<DirectoryRemover> remover_;  // Shared with sockets.
  std::shared_ptr<Loop>
      loop_;  // Shared with sockets and connections, which may outlive the server.
};

}  // namespace midwatch::posix
