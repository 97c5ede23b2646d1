// SPDX-License-Identifier: Apache-2.0
// A listening socket handed down by systemd: sd_listen_fds(3), by hand.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "daemon/io/listening_socket.h"

namespace openexec {

// The one socket that was handed to this process; nothing when none was. Removes $LISTEN_PID, $LISTEN_FDS and
// $LISTEN_FDNAMES from the environment. Refuses several, one named for another purpose, and one that is no listening
// Unix stream socket: one line that says what to change.
std::expected<std::optional<ListeningSocket>, std::string> take_inherited_socket();

// The same checks for a descriptor that is known.
std::expected<ListeningSocket, std::string> inherit_socket(UniqueFd fd);

}  // namespace openexec
