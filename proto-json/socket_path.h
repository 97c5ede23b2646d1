// SPDX-License-Identifier: Apache-2.0
// Where the agent socket is when nobody says: one rule for the daemon and for clients.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace openexec {

inline constexpr std::string_view system_socket_path = "/run/openexec/openexec.sock";

// What the rule depends on. A text that is empty counts as absent.
struct SocketPathFacts {
  std::optional<std::string> flag;             // --socket
  std::optional<std::string> env_socket;       // $OPENEXEC_SOCKET
  std::optional<std::string> xdg_runtime_dir;  // $XDG_RUNTIME_DIR
  bool is_root = false;
  bool system_socket_exists = false;  // a file stands at system_socket_path
  std::uint32_t uid = 0;
};

// The first that is there: the flag, the environment, the system's path when it exists or for root, the runtime
// directory of the user, a directory of the user's own under /tmp.
std::string default_socket_path(const SocketPathFacts& facts);

}  // namespace openexec
