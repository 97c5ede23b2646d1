// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <expected>
#include <string>
#include <string_view>

namespace openexec {

struct UnixAddress {
  sockaddr_un address{};
  socklen_t size_bytes = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// The longest path that fits, its terminating zero not counted.
inline constexpr std::size_t socket_path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;

// The address of a path. The error is one line that says what to change.
std::expected<UnixAddress, std::string> unix_address(std::string_view path);
// The same; a path that begins with '@' names the abstract address that follows it, as systemd writes them.
std::expected<UnixAddress, std::string> unix_address_or_abstract(std::string_view path);

}  // namespace openexec
