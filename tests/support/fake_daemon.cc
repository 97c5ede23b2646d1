// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_daemon.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "proto-json/message.h"

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

FakeDaemon::FakeDaemon(std::function<void(FakePeer&)> script, int connections)
    : socket_(dir_ / "s"), listener_(listen_at(socket_, 1)), thread_([this, connections, script = std::move(script)] {
        for (int left = connections; left > 0; --left) {
          OwnedFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
          if (fd.get() < 0) {
            return;
          }
          FakePeer peer(std::move(fd));
          script(peer);
        }
      }) {}

FakeDaemon serving(std::function<Json(const std::string& method, const Json& params)> handler) {
  constexpr int connections_max = 100;
  return FakeDaemon(
      [handler = std::move(handler)](FakePeer& peer) {
        for (std::string line = peer.read_line(); !line.empty(); line = peer.read_line()) {
          const auto request = decode_request(line);
          peer.write(request ? encode_result(request->id, handler(request->method, request->params)) : "nonsense\n");
        }
      },
      connections_max);
}

std::int64_t number_in(const Json& params, std::string_view name) {
  const Json* found = params.find(name);
  return found == nullptr || found->if_int() == nullptr ? -1 : *found->if_int();
}

FakeDaemon::~FakeDaemon() { ::shutdown(listener_.get(), SHUT_RDWR); }

}  // namespace openexec::test
