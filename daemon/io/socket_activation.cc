// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/socket_activation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "daemon/io/unix_address.h"

namespace openexec {
namespace {

constexpr int first_fd = 3;  // SD_LISTEN_FDS_START
constexpr std::string_view admin_name = "admin";

std::optional<std::string> take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::optional<std::string> out;
  if (value != nullptr) {
    out = value;
    unsetenv(name);
  }
  return out;
}

std::optional<int> to_int(const std::optional<std::string>& text) {
  int value = 0;
  if (!text.has_value()) {
    return std::nullopt;
  }
  const char* end = text->data() + text->size();
  const auto [stopped, error] = std::from_chars(text->data(), end, value);
  return error == std::errc() && stopped == end ? std::optional(value) : std::nullopt;
}

int option_of(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

std::string path_of(int fd) {
  UnixAddress bound;
  bound.size_bytes = sizeof bound.address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound.address), &bound.size_bytes) != 0 ||
      bound.size_bytes <= offsetof(sockaddr_un, sun_path)) {
    return "(inherited socket)";
  }
  std::string path(bound.address.sun_path, bound.size_bytes - offsetof(sockaddr_un, sun_path));
  if (path.front() == '\0') {
    path.front() = '@';
  }
  while (!path.empty() && path.back() == '\0') {
    path.pop_back();
  }
  return path;
}

}  // namespace

std::expected<ListeningSocket, std::string> inherit_socket(UniqueFd fd) {
  if (option_of(fd.get(), SO_DOMAIN) != AF_UNIX || option_of(fd.get(), SO_TYPE) != SOCK_STREAM ||
      option_of(fd.get(), SO_ACCEPTCONN) != 1) {
    return std::unexpected(
        std::string("the inherited descriptor is no listening Unix stream socket; use ListenStream= with a path"));
  }
  if (fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0 ||
      fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK) != 0) {
    return std::unexpected(std::string("cannot set up the inherited socket"));
  }
  const std::string path = path_of(fd.get());
  return ListeningSocket::inherited(std::move(fd), path);
}

std::expected<std::optional<ListeningSocket>, std::string> take_inherited_socket() {
  const std::optional<int> pid = to_int(take_variable("LISTEN_PID"));
  const std::optional<int> count = to_int(take_variable("LISTEN_FDS"));
  const std::string names = take_variable("LISTEN_FDNAMES").value_or("");
  if (pid != getpid() || !count.has_value() || *count < 1) {
    return std::nullopt;
  }
  if (*count > 1) {
    return std::unexpected(fmt::format("{} sockets were inherited ({}) and one is served; keep one ListenStream=",
                                       *count, names.empty() ? "without names" : names));
  }
  if (names == admin_name) {
    return std::unexpected(
        std::string("the inherited socket is named 'admin', and agents would be served on it; name it 'agent'"));
  }
  auto socket = inherit_socket(UniqueFd(first_fd));
  if (!socket.has_value()) {
    return std::unexpected(socket.error());
  }
  return std::optional<ListeningSocket>(*std::move(socket));
}

}  // namespace openexec
