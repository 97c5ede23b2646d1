// SPDX-License-Identifier: Apache-2.0
#include "daemon/launch/child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/launch/landlock.h"
#include "daemon/launch/seccomp_filter.h"
#include "proto-json/limits.h"

namespace openexec::launch {
namespace {

// Beside the executable, what is still needed. All of it closes when the command begins.
constexpr int start_fd = channel_fd;
constexpr int temp_fd = executable_fd + 1;
constexpr unsigned first_other_fd = temp_fd + 1;

Done die_with_launcher(pid_t launcher) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    return failure("cannot tie the command to its launcher");
  }
  if (getppid() != launcher) {  // it died before that
    _exit(1);
  }
  return {};
}

// The daemon ignores SIGPIPE, the launcher more, and what is ignored or blocked would stay so. By the system call,
// since the C library keeps two signals to itself; all bytes zero is the default.
void reset_signals() {
  constexpr std::array<unsigned long, 8> by_default{};
  for (int number = 1; number < NSIG; ++number) {
    syscall(SYS_rt_sigaction, number, by_default.data(), nullptr, sizeof(std::uint64_t));
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What is not heard dies with this process, and the launcher sees that.
void tell(std::string_view text) { [[maybe_unused]] const ssize_t size = write(start_fd, text.data(), text.size()); }

Done close_others() {
  if (syscall(SYS_close_range, first_other_fd, ~0U, 0) == 0) {
    return {};
  }
  const long last = sysconf(_SC_OPEN_MAX);
  for (int fd = first_other_fd; fd < last; ++fd) {
    close(fd);
  }
  return last > 0 ? Done() : failure("cannot close descriptors");
}

Done arrange_descriptors(const ChildSetup& setup) {
  if (setup.temp.fd() != temp_fd && dup3(setup.temp.fd(), temp_fd, O_CLOEXEC) != temp_fd) {
    return failure("cannot move a descriptor");
  }
  return close_others();
}

Done limit(int resource, std::uint64_t soft_and_hard, const char* what) {
  rlimit now{};
  if (prlimit(0, static_cast<__rlimit_resource>(resource), nullptr, &now) != 0) {
    return failure(what);
  }
  const rlim_t value = std::min<rlim_t>(soft_and_hard, now.rlim_max);
  const rlimit wanted = {value, value};
  if (prlimit(0, static_cast<__rlimit_resource>(resource), &wanted, nullptr) != 0) {
    return failure(what);
  }
  return {};
}

Done limit_resources() {
  // Not 0: the kernel hands a core to a collector's pipe whatever the limit is, but for 1.
  constexpr std::uint64_t no_core = 1;
  Done done = limit(RLIMIT_CORE, no_core, "cannot bar core files");
  return done.has_value() ? limit(RLIMIT_NOFILE, limits::run_open_files_max, "cannot bound open files") : done;
}

bool has_capabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (syscall(SYS_capget, &header, data.data()) != 0) {
    return true;
  }
  return std::ranges::any_of(
      data, [](const auto& word) { return (word.effective | word.permitted | word.inheritable) != 0; });
}

// A service manager's filter may refuse these calls, where there are none to drop; with no_new_privs none comes back.
Done drop_privileges() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return failure("cannot set no_new_privs");
  }
  for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (syscall(SYS_capset, &header, none.data()) != 0 && has_capabilities()) {
    return failure("cannot drop capabilities");
  }
  return {};
}

Done enter_sandbox(const ChildSetup& setup) {
  Done done;
  if (setup.kernel.landlock_abi > 0) {
    done = apply_landlock(setup.plan, temp_fd, setup.kernel.landlock_abi);
  }
  if (done.has_value() && setup.kernel.seccomp) {
    done = apply_seccomp({.network = setup.plan.network,
                          .unix_sockets = setup.plan.unix_sockets,
                          .landlock_abi = setup.kernel.landlock_abi});
  }
  return done;
}

Done prepare(const ChildSetup& setup) {
  Done done = die_with_launcher(setup.launcher);
  if (!done.has_value()) {
    return done;
  }
  if (setpgid(0, 0) != 0) {
    return failure("cannot make a process group");
  }
  reset_signals();
  umask(S_IRWXG | S_IRWXO);
  if (fchdir(setup.temp.fd()) != 0) {
    return failure("cannot enter the temporary folder");
  }
  // The order matters: the sandbox takes away what the steps before it need.
  for (const auto& step :
       {+[](const ChildSetup& s) { return s.cgroup.join(); },  //
        +[](const ChildSetup& s) { return arrange_descriptors(s); },
        +[](const ChildSetup&) { return limit_resources(); }, +[](const ChildSetup&) { return drop_privileges(); },
        +[](const ChildSetup& s) { return enter_sandbox(s); }}) {
    if (done = step(setup); !done.has_value()) {
      return done;
    }
  }
  return {};
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  std::ranges::transform(texts, std::back_inserter(out), [](std::string& text) { return text.data(); });
  out.push_back(nullptr);
  return out;
}

// Returns only when it fails.
Done execute(const ChildSetup& setup) {
  std::vector<std::string> arguments = setup.plan.argv;
  std::vector<std::string> environment = setup.plan.env;
  environment.push_back("TMPDIR=" + setup.temp.path());
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(environment);
  // Last, since our own memory counts as well.
  if (setup.plan.memory_bytes_max != 0 && !setup.cgroup.bounds_memory()) {
    if (Done done = limit(RLIMIT_DATA, setup.plan.memory_bytes_max, "cannot bound memory"); !done.has_value()) {
      return done;
    }
  }
  tell({&about_to_run, 1});
  syscall(SYS_execveat, executable_fd, "", argv.data(), envp.data(), AT_EMPTY_PATH);
  return failure("cannot execute " + setup.plan.argv.front());
}

}  // namespace

void become_command(const ChildSetup& setup) {
  // In the place of the launcher's channel, which is no longer open here.
  if (dup3(setup.start_fd, start_fd, O_CLOEXEC) == start_fd) {
    Done done = prepare(setup);
    if (done.has_value()) {
      done = execute(setup);
    }
    tell(done.error());
  }
  _exit(127);
}

}  // namespace openexec::launch
