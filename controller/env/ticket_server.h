#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "controller/base/result.h"
#include "controller/base/secret.h"

namespace midwatch {

/// One connection to a ticket socket. Thread-safe; destroying it closes it.
class TicketConnection {
 public:
  virtual ~TicketConnection() = default;
  /// Queues bytes. False: it is closed, or the queue's bound is reached (and it was cut off).
  virtual bool Write(std::string bytes) = 0;
  virtual void Close() = 0;
  /// The sink may want more again: asks it.
  virtual void Resume() = 0;
};

/// Receives what the peer sends; calls come one at a time on a thread of the server: queue and
/// return.
class TicketSink {
 public:
  virtual ~TicketSink() = default;
  virtual void OnOpen(std::shared_ptr<TicketConnection> connection) = 0;  ///< Once, first.
  virtual void OnBytes(std::string_view bytes) = 0;
  virtual void OnClosed() = 0;  ///< Once, last.
  /// Asked before the peer is read. False: it is not, until it is resumed.
  virtual bool WantsMore() const { return true; }
};

/// A listening socket of one session. Destroying it closes the socket and every connection to it.
class TicketSocket {
 public:
  virtual ~TicketSocket() = default;
  virtual const std::string& path() const = 0;  ///< Where peers on this host connect to.
  /// A fresh empty directory for the files of this session; it is removed with the socket.
  virtual const std::string& directory() const = 0;
};

/// Local sockets that a sidecar's tools connect to. A peer sends the ticket and a line feed first;
/// until then nothing of it reaches a sink, and a wrong ticket closes the connection. Thread-safe.
///
/// Implementations: posix::UnixTicketServer.
class TicketServer {
 public:
  virtual ~TicketServer() = default;
  /// `name` tells sessions of this process apart. `accept` makes the sink of each connection, on a
  /// thread of the server; a connection that gets none is closed.
  virtual Result<std::unique_ptr<TicketSocket>> Open(
      std::string name, Secret<std::string> ticket,
      std::function<std::shared_ptr<TicketSink>()> accept) = 0;
};

}  // namespace midwatch
