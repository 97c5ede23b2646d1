// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/listening_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "daemon/io/private_dir.h"
#include "daemon/io/system_error.h"
#include "daemon/io/unix_address.h"

namespace openexec {
namespace {

using Status = std::expected<void, std::string>;

enum class Found { nothing, stale_socket };

std::string live_message(const std::string& path) {
  return fmt::format("another openexecd listens at {} already; stop it, or choose another path with --socket", path);
}

// What stands at the path; an error when it may not be replaced.
std::expected<Found, std::string> look_at(const std::string& path, const UnixAddress& address) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) {
      return Found::nothing;
    }
    return std::unexpected(
        fmt::format("cannot look at {}: {}; choose another path with --socket", path, system_message(errno)));
  }
  if (!S_ISSOCK(status.st_mode)) {
    return std::unexpected(
        fmt::format("{} exists and is no socket; remove it, or choose another path with --socket", path));
  }
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return std::unexpected("cannot make a socket: " + system_message(errno));
  }
  if (connect(fd.get(), address.get(), address.size_bytes) == 0 || errno == EAGAIN) {
    return std::unexpected(live_message(path));
  }
  if (errno == ECONNREFUSED) {
    return Found::stale_socket;
  }
  if (errno == ENOENT) {
    return Found::nothing;
  }
  return std::unexpected(
      fmt::format("cannot tell whether somebody listens at {}: {}; remove it, or choose another path", path,
                  system_message(errno)));
}

// The lock goes with the descriptor: also when this process is killed. Its file stays, since removing it would let two
// daemons hold two locks of one name.
std::expected<UniqueFd, std::string> take_lock(const std::string& path) {
  const std::string lock_path = path + ".lock";
  UniqueFd lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) {
    return std::unexpected(
        fmt::format("cannot make {}: {}; choose another path with --socket", lock_path, system_message(errno)));
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return std::unexpected(errno == EWOULDBLOCK ? live_message(path)
                                                : fmt::format("cannot lock {}: {}", lock_path, system_message(errno)));
  }
  return lock;
}

// The file gets its mode as it is made: there is no moment in which it has another.
Status bind_with_mode(int fd, const UnixAddress& address, const SocketSettings& settings) {
  const mode_t before = umask(static_cast<mode_t>(0777) & ~settings.mode);
  const int failed = ::bind(fd, address.get(), address.size_bytes) == 0 ? 0 : errno;
  umask(before);
  if (failed != 0) {
    return std::unexpected(fmt::format("cannot make the socket {}: {}; choose another path with --socket",
                                       settings.path, system_message(failed)));
  }
  return {};
}

}  // namespace

std::expected<void, std::string> probe_socket_path(const SocketSettings& settings) {
  const auto address = unix_address(settings.path);
  if (!address.has_value()) {
    return std::unexpected(address.error());
  }
  if (auto found = look_at(settings.path, *address); !found.has_value()) {
    return std::unexpected(found.error());
  }
  const std::string dir = parent_dir(settings.path);
  if (!settings.make_dir && access(dir.c_str(), W_OK | X_OK) != 0) {
    return std::unexpected(
        fmt::format("cannot make a socket in {}: {}; make that folder, or choose another with --socket", dir,
                    system_message(errno)));
  }
  return {};
}

std::expected<ListeningSocket, std::string> ListeningSocket::bind(const SocketSettings& settings) {
  const auto address = unix_address(settings.path);
  if (!address.has_value()) {
    return std::unexpected(address.error());
  }
  if (settings.make_dir) {
    if (auto made = ensure_private_dir(parent_dir(settings.path), MakeDir::last); !made.has_value()) {
      return std::unexpected(made.error());
    }
  }
  auto lock = take_lock(settings.path);
  if (!lock.has_value()) {
    return std::unexpected(lock.error());
  }
  const auto found = look_at(settings.path, *address);
  if (!found.has_value()) {
    return std::unexpected(found.error());
  }
  if (*found == Found::stale_socket && unlink(settings.path.c_str()) != 0 && errno != ENOENT) {
    return std::unexpected(fmt::format("cannot remove the stale socket {}: {}", settings.path, system_message(errno)));
  }

  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return std::unexpected("cannot make a socket: " + system_message(errno));
  }
  if (auto bound = bind_with_mode(fd.get(), *address, settings); !bound.has_value()) {
    return std::unexpected(bound.error());
  }
  struct stat status{};
  if (lstat(settings.path.c_str(), &status) != 0 || listen(fd.get(), settings.backlog) != 0) {
    return std::unexpected(fmt::format("cannot listen at {}: {}", settings.path, system_message(errno)));
  }
  return ListeningSocket(std::move(fd), *std::move(lock), settings.path, FileId{status.st_dev, status.st_ino});
}

ListeningSocket ListeningSocket::inherited(UniqueFd fd, std::string path) {
  return {std::move(fd), UniqueFd(), std::move(path), std::nullopt};
}

void ListeningSocket::close() {
  struct stat status{};
  if (fd_ && file_.has_value() && lstat(path_.c_str(), &status) == 0 && status.st_dev == file_->device &&
      status.st_ino == file_->inode) {
    static_cast<void>(unlink(path_.c_str()));
  }
  fd_.reset();
}

}  // namespace openexec
