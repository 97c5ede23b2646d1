// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/agent_server.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "daemon/io/peer_credentials.h"
#include "proto-json/check.h"

namespace openexec {
namespace {

void refuse(const UniqueFd& fd, const Error& error) {
  const std::string line = encode_error(std::nullopt, error);
  // A new socket's buffer has room for a line; a peer that is gone already is told nothing.
  static_cast<void>(::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

}  // namespace

AgentServer::AgentServer(Loop& loop, LoopTurn& turn, ListeningSocket socket, ConnectionLimits connection_limits,
                         std::size_t connections_max, RequestHandler handle)
    : loop_(loop), turn_(turn), socket_(std::move(socket)), connections_max_(connections_max), backoff_(loop) {
  shared_.limits = connection_limits;
  shared_.handle = std::move(handle);
  shared_.flush_later = [this](std::shared_ptr<Connection> connection) {
    to_flush_.push_back(std::move(connection));
    turn_.request(LoopTurn::Phase::flush);
  };
  shared_.closed = [this](Connection& connection) { closed(connection); };
  turn_.set(LoopTurn::Phase::flush, [this] { flush(); });

  OPENEXEC_CHECK(poll_.open([&](uv_poll_t* poll) { return uv_poll_init(loop_.get(), poll, socket_.fd()); }) == 0);
  poll_.get()->data = this;
  set_accepting(true);
}

AgentServer::~AgentServer() { turn_.set(LoopTurn::Phase::flush, nullptr); }

void AgentServer::set_accepting(bool accepting) {
  if (!accepting) {
    uv_poll_stop(poll_.get());
    return;
  }
  const auto readable = [](uv_poll_t* poll, int, int) { static_cast<AgentServer*>(poll->data)->accept_some(); };
  OPENEXEC_CHECK(uv_poll_start(poll_.get(), UV_READABLE, readable) == 0);
  if (!watch_in_advance(loop_.get(), socket_.fd())) {
    accept_later();
  }
}

// Whoever waits is still there after a pause, and closed connections give back what is lacking.
void AgentServer::accept_later() {
  set_accepting(false);
  backoff_.start(limits::accept_backoff_ms, 0, [this] { set_accepting(true); });
}

void AgentServer::accept_some() {
  for (std::size_t i = 0; i < limits::accepts_per_turn_max; ++i) {
    UniqueFd fd(accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) {
      adopt(std::move(fd));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      accept_later();  // no descriptor or no memory left
      return;
    }
  }
}

void AgentServer::adopt(UniqueFd fd) {
  if (connections_.size() >= connections_max_) {
    refuse(fd, {Reason::overloaded, "too many connections; close some, or raise [limits] connections_max"});
    return;
  }
  auto caller = peer_of(fd.get());
  if (!caller.has_value()) {
    return;
  }
  if (is_refused_ && is_refused_(caller->peer.pid)) {
    refuse(fd, {Reason::peer_not_allowed, "What an action runs may not use this socket"});
    return;
  }
  if (!watch_in_advance(loop_.get(), fd.get())) {
    refuse(fd, {Reason::overloaded, "the kernel has no room to watch another connection (fs.epoll.max_user_watches)"});
    return;
  }
  if (auto connection = Connection::open(loop_, shared_, std::move(fd), *std::move(caller))) {
    const Connection* key = connection.get();
    connections_.emplace(key, std::move(connection));
  }
}

void AgentServer::flush() {
  for (const auto& connection : std::exchange(to_flush_, {})) {
    connection->flush();
  }
}

void AgentServer::closed(Connection& connection) {
  connections_.erase(&connection);
  if (connections_.empty() && stopped_) {
    std::exchange(stopped_, nullptr)();
  }
}

void AgentServer::stop(std::function<void()> stopped) {
  if (!poll_) {
    return;  // stopping already
  }
  backoff_.stop();
  poll_.close();
  socket_.close();
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [key, connection] : connections_) {
    all.push_back(connection);
  }
  for (const auto& connection : all) {
    connection->end_input();
  }
  if (connections_.empty()) {
    stopped();
  } else {
    stopped_ = std::move(stopped);
  }
}

}  // namespace openexec
