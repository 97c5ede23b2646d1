// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_daemon.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace openexec::test {

std::string FakePeer::read_line() {
  std::array<char, 65536> buffer{};
  while (true) {
    if (const std::size_t end = received_.find('\n'); end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return line;
    }
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return {};
    }
    received_.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

void FakePeer::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent < 0) {
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void FakePeer::wait_until_closed() {
  while (!read_line().empty()) {
  }
}

OwnedFd listen_at(const std::string& path, int backlog) {
  OwnedFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, std::begin(address.sun_path));
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), backlog) != 0) {
    throw std::runtime_error("cannot listen at " + path);
  }
  return listener;
}

FakeDaemon::FakeDaemon(std::function<void(FakePeer&)> script)
    : socket_(dir_ / "s"), listener_(listen_at(socket_, 1)), thread_([this, script = std::move(script)] {
        OwnedFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (fd.get() >= 0) {
          FakePeer peer(std::move(fd));
          script(peer);
        }
      }) {}

FakeDaemon::~FakeDaemon() { ::shutdown(listener_.get(), SHUT_RDWR); }

}  // namespace openexec::test
