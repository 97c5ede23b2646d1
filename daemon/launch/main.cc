// SPDX-License-Identifier: Apache-2.0
// openexec-launch: the init of one run. The daemon starts it, and nobody else does: see plan.h. With `--sweep FOLDER`
// it removes the temporary folders there that no run has any more.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/launch/oom_score.h"
#include "daemon/launch/plan.h"
#include "daemon/launch/run.h"
#include "daemon/launch/temp_folder.h"
#include "proto-json/limits.h"

namespace openexec::launch {
namespace {

constexpr int exit_usage = 2;
constexpr int exit_no_plan = 1;

// True when the descriptors are those of plan.h. The command inherits none but the first three, and no other is kept:
// it could be a lock that is to go with the daemon.
bool take_descriptors() {
  syscall(SYS_close_range, executable_fd + 1, ~0U, 0);
  for (int fd = 0; fd <= executable_fd; ++fd) {
    if (fcntl(fd, F_GETFD) < 0 || (fd > STDERR_FILENO && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)) {
      return false;
    }
  }
  if (fcntl(channel_fd, F_SETFL, 0) != 0) {  // it is read only where that may wait
    return false;
  }
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(channel_fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

// The plan holds secrets, and orphans of the run become children of this process. What ends it is the channel, so that
// a signal that was meant for the daemon does not leave its runs without an init.
bool become_init() {
  for (const int number : {SIGTERM, SIGHUP, SIGINT}) {
    static_cast<void>(std::signal(number, SIG_IGN));
  }
  static_cast<void>(std::signal(SIGCHLD, SIG_DFL));  // ignored, it would have children reaped by nobody
  prctl(PR_SET_NAME, "openexec-launch");             // run by descriptor, it has that one's number for a name
  const bool is_leader = getsid(0) == getpid() || setsid() > 0;
  return is_leader && prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

// Nothing when the daemon's end closes before that.
std::optional<std::string> receive(std::size_t size) {
  std::string out;
  std::array<char, 16 * 1024> buffer{};
  while (out.size() < size) {
    const ssize_t got = recv(channel_fd, buffer.data(), std::min(buffer.size(), size - out.size()), 0);
    if (got > 0) {
      out.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<Plan> receive_plan() {
  const auto length = receive(length_bytes);
  if (!length.has_value() || decode_length(*length) > limits::launch_plan_bytes_max) {
    return std::nullopt;
  }
  const auto body = receive(decode_length(*length));
  if (!body.has_value()) {
    return std::nullopt;
  }
  auto plan = decode_plan(*body);
  return plan.has_value() ? std::optional(std::move(*plan)) : std::nullopt;
}

void tell(const std::string& message) {
  std::size_t sent = 0;
  while (sent < message.size()) {
    const ssize_t size = send(channel_fd, message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
    if (size < 0 && errno != EINTR) {
      return;  // the daemon is gone
    }
    sent += size > 0 ? static_cast<std::size_t>(size) : 0;
  }
}

int launch() {
  if (!take_descriptors()) {
    std::fputs("openexec-launch: openexecd starts this program for each command; it is of no other use\n", stderr);
    return exit_usage;
  }
  const OomScore score;
  if (!become_init()) {
    tell(encode(Report{.not_started = "the launcher cannot become the init of a run"}));
    return exit_no_plan;
  }
  const auto plan = receive_plan();
  if (!plan.has_value()) {
    return exit_no_plan;
  }
  run(*plan, score, tell);
  return 0;
}

// What killed launchers have left in that folder. Ends with the daemon.
int sweep(const char* temp_parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
    return exit_no_plan;
  }
  sweep_temp_folders(temp_parent);
  return 0;
}

}  // namespace
}  // namespace openexec::launch

// Nothing is buffered, and what a run held is gone with the process.
int main(int argc, char** argv) {
  const bool is_sweep = argc == 3 && std::string_view(argv[1]) == openexec::launch::sweep_flag;
  _exit(is_sweep ? openexec::launch::sweep(argv[2]) : openexec::launch::launch());
}
