// SPDX-License-Identifier: Apache-2.0
#include "tests/support/agent_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "proto-json/canonical.h"
#include "proto-json/message.h"

namespace openexec::test {
namespace {

constexpr int deadline_ms = static_cast<int>(std::chrono::milliseconds(generous_deadline).count());
constexpr int quiet_ms = 300;  // a daemon that has taken nothing for so long has stopped reading

[[noreturn]] void fail_errno(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

bool is_closed(int error) { return error == EPIPE || error == ECONNRESET; }
bool must_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

AgentSocket::AgentSocket(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (fd_.get() < 0 || path.size() >= sizeof address.sun_path) {
    throw std::runtime_error("cannot make a socket for " + path);
  }
  std::copy(path.begin(), path.end(), std::begin(address.sun_path));
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail_errno("cannot connect to " + path);
  }
}

void AgentSocket::wait_for(short events) const {
  pollfd entry{.fd = fd_.get(), .events = events, .revents = 0};
  const int ready = ::poll(&entry, 1, deadline_ms);
  if (ready == 0) {
    throw std::runtime_error("the daemon neither read nor answered in time");
  }
  if (ready < 0 && errno != EINTR) {
    fail_errno("poll");
  }
}

bool AgentSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (is_closed(errno)) {
      return false;
    } else if (must_wait(errno)) {
      const bool may_read = !ended_ && receive();
      wait_for(static_cast<short>(may_read ? POLLIN | POLLOUT : POLLOUT));
    } else {
      fail_errno("send");
    }
  }
  return true;
}

std::size_t AgentSocket::send_without_reading(std::string_view bytes) {
  std::size_t total = 0;
  while (total < bytes.size()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data() + total, bytes.size() - total, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      total += static_cast<std::size_t>(sent);
      continue;
    }
    if (!must_wait(errno)) {
      fail_errno("send");
    }
    pollfd entry{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&entry, 1, quiet_ms) == 0) {
      return total;
    }
  }
  return total;
}

void AgentSocket::finish_sending() const {
  if (::shutdown(fd_.get(), SHUT_WR) != 0) {
    fail_errno("shutdown");
  }
}

bool AgentSocket::receive() {
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) {
      received_.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || is_closed(errno)) {
      ended_ = true;
      return false;
    } else if (must_wait(errno)) {
      return true;
    } else {
      fail_errno("recv");
    }
  }
}

std::optional<std::string> AgentSocket::read_line() {
  std::size_t scanned = taken_;
  std::size_t end = received_.find('\n', scanned);
  while (end == std::string::npos) {
    if (ended_) {
      return std::nullopt;
    }
    received_.erase(0, std::exchange(taken_, 0));
    scanned = received_.size();
    wait_for(POLLIN);
    receive();
    end = received_.find('\n', scanned);
  }
  std::string line = received_.substr(taken_, end - taken_);
  taken_ = end + 1;
  return line;
}

Json AgentSocket::read_json() {
  const auto line = read_line();
  if (!line) {
    throw std::runtime_error("the daemon closed the connection instead of answering");
  }
  auto json = parse_json(*line);
  if (!json) {
    throw std::runtime_error("the daemon sent what is no JSON: " + line->substr(0, 1000));
  }
  return *std::move(json);
}

Json AgentSocket::call(std::string_view method, const Json& params) {
  const std::int64_t id = next_id_++;
  if (!send_line(encode_request(id, method, params))) {
    throw std::runtime_error("the daemon closed the connection before it took the request");
  }
  Json reply = read_json();
  const Json* answered = reply.find("id");
  if (answered == nullptr || *answered != Json(id)) {
    throw std::runtime_error("the reply answers another request: " + to_compact(reply));
  }
  return reply;
}

}  // namespace openexec::test
