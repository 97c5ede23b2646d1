// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_daemon.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

namespace openexec::test {
namespace {

// One whole round trip: a connection alone only shows that somebody listens.
bool answers(const std::string& socket_path) {
  const OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (fd.get() < 0 || socket_path.size() >= sizeof address.sun_path) {
    return false;
  }
  std::copy(socket_path.begin(), socket_path.end(), std::begin(address.sun_path));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return false;
  }
  constexpr std::string_view request = R"({"jsonrpc":"2.0","id":1,"method":"info"})"
                                       "\n";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    return false;
  }
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char first = 0;
  return ::recv(fd.get(), &first, 1, 0) == 1 && first == '{';
}

}  // namespace

TestDaemon::TestDaemon(DaemonOptions options) : options_(std::move(options)) { start(); }

void TestDaemon::launch() {
  process_.reset();
  ProcessOptions options;
  options.argv = options_.under;
  options.argv.insert(options.argv.end(), {options_.binary, "--socket", socket()});
  options.argv.insert(options.argv.end(), options_.args.begin(), options_.args.end());
  options.env = options_.env;
  options.env.push_back("OPENEXEC_DB_URL=lmdb://" + state().string());
  process_.emplace(std::move(options));
}

void TestDaemon::start() {
  launch();
  const auto until = std::chrono::steady_clock::now() + generous_deadline;
  while (!answers(socket())) {
    if (process_->ended() || std::chrono::steady_clock::now() > until) {
      throw std::runtime_error("the daemon did not start; it wrote: " + process_->out() + process_->err());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

ExitStatus TestDaemon::stop() {
  process().signal(SIGTERM);
  return wait();
}

void TestDaemon::kill9() {
  process().signal(SIGKILL);
  static_cast<void>(wait());
}

ExitStatus TestDaemon::wait() { return process().wait(); }

Process& TestDaemon::process() {
  if (!process_) {
    throw std::runtime_error("no daemon was started");
  }
  return *process_;
}

pid_t TestDaemon::pid() const { return process_ ? process_->pid() : -1; }
std::string TestDaemon::out() { return process().out(); }
std::string TestDaemon::err() { return process().err(); }

}  // namespace openexec::test
