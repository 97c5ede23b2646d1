// SPDX-License-Identifier: Apache-2.0
// A blocking client of openexecd: connect to its Unix socket, call a method, get the answer (docs/protocol.md).
//
//   auto daemon = openexec::client::Client::connect("/run/openexec/openexec.sock");
//   auto answer = daemon->call("info", nullptr);
//   if (answer && answer->result()) { … }
//
// Nothing here throws, blocks a signal or raises SIGPIPE. A Client is used by one thread at a time; clients of
// different threads do not meet.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "proto-json/json.h"
#include "proto-json/line_splitter.h"

namespace openexec::client {

// Wait for ever.
inline constexpr std::int64_t no_timeout = 0;

// No answer came.
struct Failure {
  enum class Kind {
    unreachable,  // no connection: nothing was sent
    lost,         // the connection ended before the answer
    timed_out,    // the time was over before the answer
    bad_reply,    // what came is no answer to this call: the peer is not one of ours, or the reply is over
                  // reply_bytes_max
  };
  Kind kind;
  std::string message;  // what happened, for a person

  // The request may have reached the daemon, so what it asks for may have been done. An `execute` may be sent again
  // with the same nonce: it runs at most once and then answers with the stored result.
  [[nodiscard]] bool outcome_unknown() const { return kind != Kind::unreachable; }
};

// The daemon's answer: `result`, or `error` ({"code", "message", "data": {"reason", …}}).
struct Outcome {
  std::variant<Json, Json> value;
  [[nodiscard]] const Json* result() const { return std::get_if<0>(&value); }
  [[nodiscard]] const Json* error() const { return std::get_if<1>(&value); }
};

// A connection. Closed by its destructor, and by a call that fails: every later call is then `unreachable`.
class Client {
 public:
  // `socket_path`: at most 107 bytes, no NUL. `timeout_ms`: milliseconds; no_timeout or less waits for ever.
  static std::expected<Client, Failure> connect(std::string_view socket_path, std::int64_t timeout_ms = no_timeout);

  // Sends one request and waits for its answer. `params` is an object or null. `timeout_ms` bounds the whole call.
  std::expected<Outcome, Failure> call(std::string_view method, const Json& params,
                                       std::int64_t timeout_ms = no_timeout);

  Client(Client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), next_id_(other.next_id_), lines_(std::move(other.lines_)) {}
  Client& operator=(Client&& other) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

 private:
  explicit Client(int fd);
  void close() noexcept;

  int fd_ = -1;
  std::int64_t next_id_ = 1;
  LineSplitter lines_;
};

// True when the `receipt` of an execute result is the hash of its own `id` and `result`: what every client should check
// before it relies on a result. False for anything that is no execute result.
bool receipt_matches(const Json& execute_result);

}  // namespace openexec::client
