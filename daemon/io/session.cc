// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/session.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <string>
#include <system_error>

#include "proto-json/limits.h"

namespace openexec {
namespace {

// Whether there was any.
bool kill_once(pid_t session) {
  bool found = false;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    pid_t pid = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (read.ec == std::errc() && read.ptr == name.data() + name.size() && getsid(pid) == session) {
      found = kill(pid, SIGKILL) == 0 || found;
    }
  }
  return found;
}

}  // namespace

void kill_session(pid_t session) {
  // Again, for what was forked meanwhile.
  for (int sweep = 0; sweep < limits::session_sweeps_max && kill_once(session); ++sweep) {
  }
}

// The launcher is dead, so nobody keeps the group's number from being used again; but the kernel gives no process a
// number that is still a group's or a session's. So, with the number of the process that leads the group:
// - it is in the run's session: it is the command;
// - it is in another: somebody has the number now, so nobody is left of the group;
// - there is none: the command is gone and what is left of the group is of the run. For another group to have the
//   number, all numbers would have had to be used since the launcher's end, and that one's leader to have ended, too.
bool kill_group(pid_t session, pid_t group) {
  const pid_t now = getsid(group);
  return (now == session || (now < 0 && errno == ESRCH)) && kill(-group, SIGKILL) == 0;
}

}  // namespace openexec
