// SPDX-License-Identifier: Apache-2.0
#include "daemon/launch/reap.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>

namespace openexec::launch {

bool reap_ended() {
  pid_t pid = 0;
  do {
    pid = waitpid(-1, nullptr, WNOHANG);
  } while (pid > 0 || (pid < 0 && errno == EINTR));
  return pid == 0;
}

void reap_ended_but(pid_t kept) {
  siginfo_t ended{};
  while (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0 && ended.si_pid != kept &&
         waitpid(ended.si_pid, nullptr, WNOHANG) > 0) {
    ended = {};
  }
}

void kill_children() {
  // A child that nobody has reaped keeps its number, and its group's, so these can be nobody else's.
  const std::string self = std::to_string(getpid());
  std::ifstream children("/proc/self/task/" + self + "/children");
  pid_t pid = 0;
  while (children >> pid) {
    if (const pid_t group = getpgid(pid); group > 0 && group != getpgrp()) {
      kill(-group, SIGKILL);
    }
    kill(pid, SIGKILL);
  }
}

}  // namespace openexec::launch
