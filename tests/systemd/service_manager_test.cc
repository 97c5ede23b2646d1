// SPDX-License-Identifier: Apache-2.0
// The daemon's side of what it has with a service manager: a socket that is handed down, and what it reports.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/support/agent_socket.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace openexec::test {
namespace {

// The other end of $NOTIFY_SOCKET.
class NotifySocket {
 public:
  NotifySocket() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot bind a socket to be notified on");
    }
  }

  [[nodiscard]] std::string path() const { return dir_ / "notify"; }
  [[nodiscard]] std::string env() const { return "NOTIFY_SOCKET=" + path(); }

  // Every line that was sent, up to and with the first message that holds the line `until`.
  std::string wait_for(std::string_view until) {
    std::string lines = "\n";
    while (lines.find("\n" + std::string(until) + "\n") == std::string::npos) {
      pollfd wanted{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      const auto deadline = std::chrono::milliseconds(generous_deadline).count();
      if (::poll(&wanted, 1, static_cast<int>(deadline)) != 1) {
        throw std::runtime_error("never told " + std::string(until) + "; told:" + lines);
      }
      std::array<char, 4096> buffer{};
      const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (size < 0) {
        throw std::runtime_error("cannot receive what is notified");
      }
      lines.append(buffer.data(), static_cast<std::size_t>(size));
      lines += lines.back() == '\n' ? "" : "\n";
    }
    return lines;
  }

 private:
  TempDir dir_;
  OwnedFd fd_;
};

struct Place {
  TempDir dir;
  [[nodiscard]] std::string socket() const { return dir / "agent.sock"; }
  [[nodiscard]] std::string db_url() const { return "OPENEXEC_DB_URL=lmdb://" + (dir / "state").string(); }
};

// systemd-socket-activate, which becomes the daemon at the first connection.
Process activated_daemon(const Place& place, const std::string& name, const std::string& more_env = "TERM=dumb") {
  Process out({.argv = {"/usr/bin/systemd-socket-activate", "--listen=" + place.socket(), "--fdname=" + name,
                        "--setenv=" + place.db_url(), "--setenv=" + more_env, openexecd_path()},
               .env = {place.db_url()}});
  for (int i = 0; i < 12'000 && !std::filesystem::exists(place.socket()) && !out.ended(); ++i) {
    ::poll(nullptr, 0, 10);
  }
  return out;
}

TEST_CASE("a request on a socket that was handed down starts the daemon and is answered") {
  const Place place;
  Process daemon = activated_daemon(place, "agent");
  AgentSocket agent(place.socket());
  const Answer answer = execute(agent, "echo", Json::object({{"msg", "hello"}}), "first-nonce");
  INFO(daemon.err());
  CHECK(answer.succeeded());

  SECTION("and its stop leaves the socket to the one who made it") {
    daemon.signal(SIGTERM);
    CHECK(daemon.wait().code == 0);
    CHECK(agent.at_end());
    CHECK(std::filesystem::is_socket(place.socket()));
  }
}

TEST_CASE("a socket handed down under the admin socket's name is not served to agents") {
  const Place place;
  Process daemon = activated_daemon(place, "admin");
  AgentSocket agent(place.socket());
  CHECK(daemon.wait().code == 2);
  CHECK(daemon.err().find("admin") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(place.dir / "state"));
}

TEST_CASE("the daemon says READY once it answers, STOPPING when it is told to stop, and what it is in STATUS") {
  const Place place;
  NotifySocket notify;
  Process daemon({.argv = {openexecd_path(), "--socket", place.socket()}, .env = {place.db_url(), notify.env()}});

  const std::string start = notify.wait_for("READY=1");
  CHECK(start.find("\nSTATUS=") != std::string::npos);
  AgentSocket agent(place.socket());  // nobody waits for it: READY is a promise
  CHECK(call(agent, "ready").succeeded());

  daemon.signal(SIGTERM);
  const std::string stop = notify.wait_for("STOPPING=1");
  CHECK(stop.find("\nSTATUS=") != std::string::npos);
  CHECK(daemon.wait().code == 0);
}

TEST_CASE("an activated daemon reports as well") {
  const Place place;
  NotifySocket notify;
  Process daemon = activated_daemon(place, "agent", notify.env());
  AgentSocket agent(place.socket());
  notify.wait_for("READY=1");
  CHECK(call(agent, "info").succeeded());
  daemon.signal(SIGTERM);
  notify.wait_for("STOPPING=1");
  CHECK(daemon.wait().code == 0);
}

}  // namespace
}  // namespace openexec::test
