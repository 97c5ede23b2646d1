// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <string>

#include "tests/escape/attempts.h"

namespace openexec::escape {
namespace {

constexpr int harmless = SIGURG;  // nothing happens to who does not ask for it

int pidfd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

Result read_memory(const Scene& scene) {
  std::uint64_t word = 0;
  const iovec to = {&word, sizeof word};
  // The address is the other process's.
  const std::array<std::uint64_t, 2> from = {scene.memory, sizeof word};
  return result_of(syscall(SYS_process_vm_readv, scene.neighbour, &to, 1UL, from.data(), 1UL, 0UL));
}

Result write_memory(const Scene& scene) {
  std::uint64_t word = 1;
  const iovec from = {&word, sizeof word};
  const std::array<std::uint64_t, 2> to = {scene.memory, sizeof word};
  return result_of(syscall(SYS_process_vm_writev, scene.neighbour, &from, 1UL, to.data(), 1UL, 0UL));
}

Result open_memory(pid_t pid) {
  const int fd = open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  const Result result = result_of(fd);
  close(fd);
  return result;
}

Result trace(pid_t pid) {
  return in_child([&] { return result_of(ptrace(PTRACE_SEIZE, pid, nullptr, nullptr)); });
}

// A signal that a descriptor sends to whoever is said to own it.
Result own_descriptor(pid_t owner, unsigned long request) {
  std::array<int, 2> pair{};
  if (pipe(pair.data()) != 0) {
    return errno;
  }
  const Result result = result_of(syscall(SYS_fcntl, pair[0], request, static_cast<long>(owner)));
  close(pair[0]);
  close(pair[1]);
  return result;
}

Result send_by_pidfd(pid_t pid) {
  const int fd = pidfd(pid);
  const Result result = result_of(syscall(SYS_pidfd_send_signal, fd, harmless, nullptr, 0));
  close(fd);
  return result;
}

Result take_descriptor(pid_t pid) {
  const int fd = pidfd(pid);
  const Result result = result_of(syscall(SYS_pidfd_getfd, fd, 0, 0));
  close(fd);
  return result;
}

Result queue_signal(pid_t pid) {
  siginfo_t info{};
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  return result_of(syscall(SYS_rt_sigqueueinfo, pid, harmless, &info));
}

Result limit(unsigned long pid) {
  rlimit none = {0, 0};
  return result_of(syscall(SYS_prlimit64, pid, RLIMIT_CORE, &none, nullptr));
}

Result pin(pid_t pid) {
  cpu_set_t all;
  CPU_ZERO(&all);
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    CPU_SET(cpu, &all);
  }
  return result_of(sched_setaffinity(pid, sizeof all, &all));
}

Result schedule(pid_t pid) {
  const sched_param parameters{};
  return result_of(sched_setscheduler(pid, SCHED_OTHER, &parameters));
}

constexpr auto traced_otherwise = "the daemon lets nobody trace it";

}  // namespace

Result in_child(const std::function<Result()>& run) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(run());
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    return errno;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : killed_by + WTERMSIG(status);
}

std::vector<Attempt> on_memory() {
  return {
      {"process_vm_readv()", read_memory},
      {"process_vm_writev()", write_memory},
      {"open /proc/PID/mem", [](const Scene& s) { return open_memory(s.neighbour); }},
      {"open /proc/PID/mem of the daemon", [](const Scene& s) { return open_memory(s.daemon); }, traced_otherwise},
      {"ptrace()", [](const Scene& s) { return trace(s.neighbour); }},
      {"ptrace() of the daemon", [](const Scene& s) { return trace(s.daemon); }, traced_otherwise},
      {"pidfd_getfd()", [](const Scene& s) { return take_descriptor(s.neighbour); }},
      {"pidfd_getfd() of the daemon", [](const Scene& s) { return take_descriptor(s.daemon); }, traced_otherwise},
      {"kcmp()",
       [](const Scene& s) { return result_of(syscall(SYS_kcmp, getpid(), s.neighbour, 0, 0, 0) < 0 ? -1 : 0); }},
  };
}

std::vector<Attempt> on_processes() {
  return {
      {"kill() the daemon", [](const Scene& s) { return result_of(kill(s.daemon, harmless)); }},
      {"kill() by a garbled register",
       [](const Scene& s) { return result_of(syscall(SYS_kill, garbled(s.daemon), harmless)); }},
      {"kill() the daemon's group", [](const Scene& s) { return result_of(kill(-getpgid(s.daemon), harmless)); }},
      {"kill() a neighbour", [](const Scene& s) { return result_of(kill(s.neighbour, harmless)); }},
      {"kill() the launcher", [](const Scene&) { return result_of(kill(getppid(), harmless)); },
       "it may be another user's"},
      {"tgkill()", [](const Scene& s) { return result_of(syscall(SYS_tgkill, s.daemon, s.daemon, harmless)); }},
      {"tkill()", [](const Scene& s) { return result_of(syscall(SYS_tkill, s.daemon, harmless)); }},
      {"pidfd_send_signal()", [](const Scene& s) { return send_by_pidfd(s.daemon); }},
      {"rt_sigqueueinfo()", [](const Scene& s) { return queue_signal(s.daemon); }},
      {"SIGIO by F_SETOWN", [](const Scene& s) { return own_descriptor(s.daemon, F_SETOWN); }},
      {"SIGIO by a garbled F_SETOWN", [](const Scene& s) { return own_descriptor(s.daemon, garbled(F_SETOWN)); }},
      {"another signal by F_SETSIG", [](const Scene&) { return own_descriptor(SIGTERM, F_SETSIG); }},
      {"outlive the launcher",
       [](const Scene&) { return in_child([] { return result_of(prctl(PR_SET_PDEATHSIG, 0)); }); }},
      {"setsid()", [](const Scene&) { return in_child([] { return result_of(setsid()); }); }},
      {"setpgid()", [](const Scene&) { return in_child([] { return result_of(setpgid(0, 0)); }); }},
      {"setpgid() into the launcher's",
       [](const Scene&) {
         const pid_t launcher = getppid();
         return in_child([=] { return result_of(setpgid(0, getpgid(launcher))); });
       },
       "it may be of another session"},
      {"prlimit() of the daemon", [](const Scene& s) { return limit(static_cast<unsigned long>(s.daemon)); }},
      {"prlimit() by a garbled register", [](const Scene& s) { return limit(garbled(s.daemon)); }},
      {"sched_setaffinity() of the daemon", [](const Scene& s) { return pin(s.daemon); }},
      {"sched_setscheduler() of the daemon", [](const Scene& s) { return schedule(s.daemon); }},
      {"setpriority() of the daemon",
       [](const Scene& s) { return result_of(setpriority(PRIO_PROCESS, static_cast<id_t>(s.daemon), 0)); }},
      {"setpriority() of the user", [](const Scene&) { return result_of(setpriority(PRIO_USER, 0, 0)); }},
      {"ioprio_set() of the daemon",
       [](const Scene& s) {
         return result_of(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, s.daemon, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4)));
       }},
  };
}

}  // namespace openexec::escape
