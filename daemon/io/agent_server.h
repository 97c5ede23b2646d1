// SPDX-License-Identifier: Apache-2.0
// The agent socket: takes connections in, up to a bound, and keeps them until their last answer is sent.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "daemon/io/connection.h"
#include "daemon/io/listening_socket.h"
#include "daemon/io/turn.h"
#include "daemon/io/watchers.h"

namespace openexec {

class AgentServer {
 public:
  // Listens from here on. Everything outlives the server.
  AgentServer(Loop& loop, LoopTurn& turn, ListeningSocket socket, ConnectionLimits connection_limits,
              std::size_t connections_max, RequestHandler handle);
  ~AgentServer();
  AgentServer(const AgentServer&) = delete;
  AgentServer& operator=(const AgentServer&) = delete;

  // Peers with such a process are refused. Set before the loop runs.
  void refuse_peers(std::function<bool(pid_t)> is_refused) { is_refused_ = std::move(is_refused); }

  // No more connections and requests. `stopped` is called once all that is owed was sent and every connection is
  // closed.
  void stop(std::function<void()> stopped);

  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }
  [[nodiscard]] const std::string& path() const { return socket_.path(); }

 private:
  void set_accepting(bool accepting);
  void accept_later();
  void accept_some();
  void adopt(UniqueFd fd);
  void flush();
  void closed(Connection& connection);

  Loop& loop_;
  LoopTurn& turn_;
  ListeningSocket socket_;
  const std::size_t connections_max_;
  ConnectionShared shared_;
  UvHandle<uv_poll_t> poll_;
  Timer backoff_;
  std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> to_flush_;
  std::function<bool(pid_t)> is_refused_;
  std::function<void()> stopped_;  // set while stopping
};

}  // namespace openexec
