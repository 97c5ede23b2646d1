// SPDX-License-Identifier: Apache-2.0
// The agent socket as bytes: what a client that keeps no rules can do to the daemon.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto-json/json.h"
#include "tests/support/process.h"

namespace openexec::test {

// Errors of the system and deadlines that pass are a std::runtime_error, which fails the test.
class AgentSocket {
 public:
  explicit AgentSocket(const std::string& path);

  // Sends all of it; what the daemon sends meanwhile is kept for read_line(). False when the daemon has closed its end.
  bool send(std::string_view bytes);
  // Sends as much as the daemon takes without reading anything from it, and gives how much that was. Ends when the
  // daemon takes nothing more for a moment.
  std::size_t send_without_reading(std::string_view bytes);
  bool send_line(std::string_view line) { return send(std::string(line) + "\n"); }
  // Sends no more: the daemon sees the end of the stream and may still answer.
  void finish_sending() const;

  // The next line without its end; nothing once the daemon has closed the connection.
  std::optional<std::string> read_line();
  // The next line as JSON; the end of the connection is an error.
  Json read_json();
  // True when the daemon closes the connection and sends no line before.
  bool at_end() { return !read_line().has_value(); }

  // One request, one reply: its whole line. Nothing else may be under way here.
  Json call(std::string_view method, const Json& params);

 private:
  // Reads what is there. False at the end.
  bool receive();
  void wait_for(short events) const;

  OwnedFd fd_;
  std::string received_;
  std::size_t taken_ = 0;  // of it, by read_line()
  bool ended_ = false;
  std::int64_t next_id_ = 1;
};

}  // namespace openexec::test
