// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/unix_address.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstring>

namespace openexec {

std::expected<UnixAddress, std::string> unix_address(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) {
    return std::unexpected(std::string("the socket path is empty or holds a zero byte; give another"));
  }
  if (path.size() > socket_path_bytes_max) {
    return std::unexpected(
        fmt::format("the socket path has {} bytes and the system allows {}; choose a shorter one: {}", path.size(),
                    socket_path_bytes_max, path));
  }
  UnixAddress out;
  out.address.sun_family = AF_UNIX;
  std::memcpy(out.address.sun_path, path.data(), path.size());
  out.size_bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return out;
}

std::expected<UnixAddress, std::string> unix_address_or_abstract(std::string_view path) {
  auto out = unix_address(path);
  if (out.has_value() && path.front() == '@') {
    out->address.sun_path[0] = '\0';
    out->size_bytes -= 1;  // an abstract name has no terminating zero
  }
  return out;
}

}  // namespace openexec
