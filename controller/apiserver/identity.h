#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace midwatch::apiserver {

/// Who asks. Made by the TokenAuthenticator or, for parts of this process, by the functions below.
struct Identity {
  enum class Kind : std::uint8_t { kAnonymous, kAdministrator, kAgent };
  Kind kind = Kind::kAnonymous;
  std::string username = "system:anonymous";
  std::string agent_namespace;  ///< kAgent only.
  std::string agent_name;       ///< kAgent only.
  std::string agent_uid;        ///< kAgent only, if it came with a token.

  bool IsAdministrator() const { return kind == Kind::kAdministrator; }

  static Identity Anonymous() { return {}; }
  /// The holder of the token in the data directory.
  static Identity Administrator() {
    return {Kind::kAdministrator, "midwatch:administrator", {}, {}, {}};
  }
  /// The reconcilers of this process and the storage's own clean-up.
  static Identity Controller() { return {Kind::kAdministrator, "midwatch:controller", {}, {}, {}}; }
  /// The processes of one Agent.
  static Identity Agent(std::string namespace_name, std::string name, std::string uid = {}) {
    std::string username = "midwatch:agent:" + namespace_name + ":" + name;
    return {Kind::kAgent, std::move(username), std::move(namespace_name), std::move(name),
            std::move(uid)};
  }

  friend bool operator==(const Identity&, const Identity&) = default;
};

}  // namespace midwatch::apiserver
