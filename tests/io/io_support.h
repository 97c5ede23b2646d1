// SPDX-License-Identifier: Apache-2.0
// One thread is both ends: the loop under test, and clients that never block.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "daemon/io/loop.h"
#include "daemon/io/turn.h"
#include "daemon/io/unique_fd.h"
#include "daemon/io/unix_address.h"
#include "proto-json/json.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"

namespace openexec::test {

inline std::unique_ptr<Loop> open_loop() {
  auto loop = Loop::open();
  REQUIRE(loop.has_value());
  return *std::move(loop);
}

// Serves the loop until `done`; gives whether it came to that.
inline bool serve_until(Loop& loop, const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + generous_deadline;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    loop.run_ready();
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

// Serves what can happen without anything new from outside.
inline void settle(Loop& loop) {
  for (int i = 0; i < 50; ++i) {
    loop.run_ready();
  }
}

class TestClient {
 public:
  explicit TestClient(const std::string& path) : TestClient() { connect_to(path); }
  TestClient() : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) { REQUIRE(fd_); }

  void connect_to(const std::string& path) {
    const auto address = unix_address(path);
    REQUIRE(address.has_value());
    REQUIRE(connect(fd_.get(), address->get(), address->size_bytes) == 0);
  }

  void send(std::string_view bytes) {
    unsent_ += bytes;
    pump();
  }
  void half_close() { REQUIRE(shutdown(fd_.get(), SHUT_WR) == 0); }
  void close() { fd_.reset(); }

  // Sends what is left to send and the socket takes.
  void pump() {
    while (!unsent_.empty()) {
      const ssize_t count = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (count < 0) {
        return;
      }
      unsent_.erase(0, static_cast<std::size_t>(count));
    }
  }
  [[nodiscard]] bool all_sent() const { return unsent_.empty(); }

  // Takes what has come.
  void receive() {
    std::vector<char> buffer(256 * 1024);
    while (!ended_) {
      const ssize_t count = recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (count > 0) {
        received_.append(buffer.data(), static_cast<std::size_t>(count));
      } else if (count == 0 || errno != EAGAIN) {
        ended_ = true;
      } else {
        return;
      }
    }
  }
  // Lines that came so far; each is parsed.
  std::vector<Json> replies() {
    receive();
    std::vector<Json> out;
    for (std::size_t at = 0, end = 0; (end = received_.find('\n', at)) != std::string::npos; at = end + 1) {
      auto json = parse_json(std::string_view(received_).substr(at, end - at));
      REQUIRE(json.has_value());
      out.push_back(*std::move(json));
    }
    return out;
  }
  // The other end closed, after what was received.
  bool ended() {
    receive();
    return ended_;
  }

 private:
  UniqueFd fd_;
  std::string unsent_;
  std::string received_;
  bool ended_ = false;
};

inline std::string request_line(std::int64_t id, std::string_view method = "info") {
  return R"({"id":)" + std::to_string(id) + R"(,"jsonrpc":"2.0","method":")" + std::string(method) + "\"}\n";
}

}  // namespace openexec::test
