// SPDX-License-Identifier: Apache-2.0
// One client: bytes to lines to requests, answers back to bytes. Reads no faster than answers go out.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/policy.h"
#include "daemon/io/connection_limits.h"
#include "daemon/io/loop.h"
#include "daemon/io/unique_fd.h"
#include "daemon/io/uv_handle.h"
#include "proto-json/limits.h"
#include "proto-json/line_splitter.h"
#include "proto-json/message.h"

namespace openexec {

// A whole line. May be called when the connection is gone.
using Respond = std::move_only_function<void(std::string)>;
// Answers exactly once, maybe before it returns.
using RequestHandler = std::function<void(const Caller&, Request, Respond)>;

class Connection;

// What the connections of one server share. Outlives them.
struct ConnectionShared {
  ConnectionLimits limits;
  RequestHandler handle;
  std::function<void(std::shared_ptr<Connection>)> flush_later;  // calls flush() at the end of the turn
  std::function<void(Connection&)> closed;                       // lets go of it
  std::vector<char> read_buffer = std::vector<char>(limits::read_buffer_bytes);
};

class Connection : public std::enable_shared_from_this<Connection> {
  struct Private {};

 public:
  // Nothing when the system refuses the descriptor.
  static std::shared_ptr<Connection> open(Loop& loop, ConnectionShared& shared, UniqueFd fd, Caller caller);

  Connection(Private, ConnectionShared& shared, Caller caller)
      : shared_(shared), caller_(std::move(caller)), splitter_(shared.limits.line_bytes_max) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends what there is to send, then goes on reading when that was what it waited for.
  void flush();
  // Takes no more requests; closes once every answer that is owed was sent.
  void end_input();

 private:
  struct Write;

  void on_read(ssize_t count);
  void on_written(int status);
  void take_lines();
  void take_line(std::string_view line);
  void answer(const RequestId& id, bool is_execute, std::string line);
  void send(std::string line);
  void flush_later();
  void write();
  [[nodiscard]] bool may_take_line();
  void set_reading(bool reading);
  void release_idle_buffers();
  void close();
  void close_when_done();

  ConnectionShared& shared_;
  const Caller caller_;
  UvHandle<uv_pipe_t> pipe_;  // none once closed
  LineSplitter splitter_;
  std::set<RequestId> in_flight_;
  std::string unsent_;         // beside what a Write holds
  std::size_t fed_bytes_ = 0;  // since the splitter was new
  bool writing_ = false;       // one Write is under way
  bool throttled_ = false;     // too much is unsent
  bool reading_ = false;
  bool input_ended_ = false;
  bool flush_requested_ = false;
  bool execute_unsent_ = false;  // the answer of an execute is in unsent_
};

}  // namespace openexec
