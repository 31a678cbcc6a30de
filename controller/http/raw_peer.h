#pragma once

// For tests only: a client that says exactly what it is told to.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace midwatch::http {

class RawPeer {
 public:
  explicit RawPeer(std::uint16_t port, bool tls = false);
  RawPeer(RawPeer&&) noexcept;
  ~RawPeer();

  bool connected() const;
  bool Send(std::string_view bytes);
  bool UpdateKeys();  ///< Says that what it sends from now on has another key.
  /// Everything until the peer closes or nothing more comes within the time.
  std::string ReadAll(std::chrono::milliseconds most = std::chrono::seconds(5));
  /// Everything until `mark` was received.
  std::string ReadUntil(std::string_view mark,
                        std::chrono::milliseconds most = std::chrono::seconds(5));
  bool ended() const;  ///< The server has closed.
  void Close();
  int fd() const;
  std::string TlsVersion() const;
  std::string Protocol() const;     ///< Chosen by ALPN.
  std::string Certificate() const;  ///< That the server showed, DER.

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace midwatch::http
