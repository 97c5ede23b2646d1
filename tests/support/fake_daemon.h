// SPDX-License-Identifier: Apache-2.0
// A peer that answers a client as a test wants it, on a Unix socket of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "proto-json/json.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace openexec::test {

// The daemon's end of one connection.
class FakePeer {
 public:
  explicit FakePeer(OwnedFd fd) : fd_(std::move(fd)) {}

  // The next line without its end; empty at the end of the stream.
  std::string read_line();
  // Ends early, without an error, when the client has closed its end.
  void write(std::string_view bytes) const;
  // Returns once the client has closed its end.
  void wait_until_closed();

 private:
  OwnedFd fd_;
  std::string received_;
};

// Takes one connection, or that many one after the other, and runs `script` with each on a thread of its own; a
// connection is closed when the script is over.
class FakeDaemon {
 public:
  explicit FakeDaemon(std::function<void(FakePeer&)> script, int connections = 1);
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;
  ~FakeDaemon();

  [[nodiscard]] const std::string& socket() const { return socket_; }

 private:
  TempDir dir_;
  std::string socket_;
  OwnedFd listener_;
  std::jthread thread_;
};

// Answers every request of many connections, one connection after the other.
FakeDaemon serving(std::function<Json(const std::string& method, const Json& params)> handler);

// An integer among a request's params, -1 when it is not there. For handlers: no macro of Catch may run in their
// thread.
std::int64_t number_in(const Json& params, std::string_view name);

// A socket that is bound and listens, with nobody to accept.
OwnedFd listen_at(const std::string& path, int backlog);

}  // namespace openexec::test
