// SPDX-License-Identifier: Apache-2.0
#include "tests/io/launched.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/support/programs.h"

namespace openexec::test {
namespace {

// Above the numbers that the launcher is given.
constexpr int spare_fd = 20;

OwnedFd moved_up(int fd) {
  OwnedFd out(fcntl(fd, F_DUPFD_CLOEXEC, spare_fd));
  close(fd);
  if (out.get() < 0) {
    throw std::runtime_error("cannot open what a launcher is given");
  }
  return out;
}

}  // namespace

launch::Plan plan_of(std::vector<std::string> argv, const TempDir& temp) {
  launch::Plan plan;
  plan.argv = std::move(argv);
  plan.read = {"/usr"};
  plan.timeout_ms = std::chrono::milliseconds(generous_deadline).count();
  plan.grace_ms = 50;
  plan.temp_parent = temp.path();
  return plan;
}

Launched::Launched(const launch::Plan& plan) : Launched(launch::encode(plan), plan.argv.front()) {}

Launched::Launched(const std::string& message, const std::string& executable)
    : output_(moved_up(memfd_create("output", MFD_CLOEXEC))) {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    throw std::runtime_error("cannot make a channel");
  }
  channel_ = moved_up(pair[0]);
  const OwnedFd theirs = moved_up(pair[1]);
  const OwnedFd program = moved_up(open(executable.c_str(), O_RDONLY | O_CLOEXEC));

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  for (const auto& [from, to] :
       {std::pair{output_.get(), STDOUT_FILENO}, std::pair{output_.get(), STDERR_FILENO},
        std::pair{theirs.get(), launch::channel_fd}, std::pair{program.get(), launch::executable_fd}}) {
    posix_spawn_file_actions_adddup2(&actions, from, to);
  }
  std::string name = "openexec-launch";
  std::array<char*, 2> argv = {name.data(), nullptr};
  std::array<char*, 1> env = {nullptr};
  const int error = posix_spawn(&pid_, openexec_launch_path().c_str(), &actions, nullptr, argv.data(), env.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0 || send(channel_.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    throw std::runtime_error("cannot start openexec-launch");
  }
}

Launched::~Launched() {
  close_channel();
  wait();
}

std::string Launched::out() const {
  std::string text(65536, '\0');
  const ssize_t size = pread(output_.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

std::string Launched::wait_for_output(const std::string& text) {
  const auto until = std::chrono::steady_clock::now() + generous_deadline;
  while (out().find(text) == std::string::npos) {
    if (std::chrono::steady_clock::now() > until) {
      throw std::runtime_error("the command never wrote " + text + "; it wrote: " + out());
    }
    poll(nullptr, 0, 1);
  }
  return out();
}

void Launched::close_channel() { channel_ = OwnedFd(); }

void Launched::listen(bool (*is_enough)(const launch::Heard&)) {
  std::array<char, 4096> buffer{};
  pollfd wanted = {channel_.get(), POLLIN, 0};
  while (!is_enough(launch::decode_heard(said_)) &&
         poll(&wanted, 1, static_cast<int>(std::chrono::milliseconds(generous_deadline).count())) == 1) {
    const ssize_t size = recv(channel_.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) {
      break;
    }
    said_.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

std::optional<launch::Started> Launched::started() {
  listen([](const launch::Heard& heard) { return heard.started.has_value(); });
  return launch::decode_heard(said_).started;
}

std::optional<launch::Report> Launched::report() {
  listen([](const launch::Heard& heard) { return heard.report.has_value(); });
  return launch::decode_heard(said_).report;
}

int Launched::wait() {
  int status = 0;
  if (pid_ > 0 && waitpid(pid_, &status, 0) == pid_) {
    pid_ = -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace openexec::test
