// SPDX-License-Identifier: Apache-2.0
// A peer that answers a client as a test wants it, on a Unix socket of its own.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <thread>

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

// Takes one connection and runs `script` with it on a thread of its own; the connection is closed when the script is
// over.
class FakeDaemon {
 public:
  explicit FakeDaemon(std::function<void(FakePeer&)> script);
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

// A socket that is bound and listens, with nobody to accept.
OwnedFd listen_at(const std::string& path, int backlog);

}  // namespace openexec::test
