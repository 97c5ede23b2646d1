// SPDX-License-Identifier: Apache-2.0
#include "daemon/launch/run.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <utility>

#include "daemon/io/unique_fd.h"
#include "daemon/launch/child.h"
#include "daemon/launch/failure.h"
#include "daemon/launch/kernel.h"
#include "daemon/launch/reap.h"
#include "daemon/launch/run_cgroup.h"
#include "daemon/launch/temp_folder.h"
#include "proto-json/limits.h"

namespace openexec::launch {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Waits for the daemon's end of the channel, for a child's end, and for time.
class Events {
 public:
  static std::expected<Events, std::string> make() {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    Events out;
    if (sigprocmask(SIG_BLOCK, &wanted, nullptr) == 0) {
      out.children_ = UniqueFd(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    }
    if (!out.children_) {
      return failure("cannot watch for children");
    }
    return out;
  }

  // Until something happens, or `until`. `start_fd` may be -1.
  void wait(Clock::time_point until, int start_fd) {
    // Round up: a wait that ends early is one more round.
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    const auto timeout = std::clamp(left, milliseconds(0), milliseconds(limits::run_poll_ms_max));
    std::array<pollfd, 3> fds = {{{is_daemon_gone_ ? -1 : channel_fd, POLLIN | POLLRDHUP, 0},
                                  {children_.get(), POLLIN, 0},
                                  {start_fd, POLLIN, 0}}};
    if (poll(fds.data(), fds.size(), static_cast<int>(timeout.count())) <= 0) {
      return;
    }
    // It has no more to say than its plan: whatever comes is its end.
    is_daemon_gone_ = is_daemon_gone_ || fds[0].revents != 0;
    signalfd_siginfo seen;
    while (read(children_.get(), &seen, sizeof seen) > 0) {
    }
  }

  [[nodiscard]] bool is_daemon_gone() const { return is_daemon_gone_; }

 private:
  UniqueFd children_;
  bool is_daemon_gone_ = false;
};

// What the child says until it is the command: child.h.
class StartWatch {
 public:
  explicit StartWatch(UniqueFd pipe) : pipe_(std::move(pipe)) {}

  [[nodiscard]] int fd() const { return pipe_.get(); }

  void read_all() {
    std::array<char, 512> buffer{};
    ssize_t size = 1;
    while (pipe_ && size > 0) {
      size = read(pipe_.get(), buffer.data(), buffer.size());
      if (size > 0) {
        started_at_ = said_.empty() ? Clock::now() : started_at_;
        said_.append(buffer.data(), static_cast<std::size_t>(size));
      } else if (size == 0) {
        pipe_.reset();
      }
    }
  }

  [[nodiscard]] Clock::time_point started_at() const { return started_at_; }

  // Empty: it became the command.
  [[nodiscard]] std::string why_not_started() const {
    if (said_.size() == 1 && said_.front() == about_to_run) {
      return {};
    }
    if (said_.empty()) {
      return "the command was killed before it began";
    }
    return said_.substr(said_.front() == about_to_run ? 1 : 0, limits::launch_report_bytes_max / 2);
  }

 private:
  UniqueFd pipe_;
  std::string said_;
  Clock::time_point started_at_;
};

class Run {
 public:
  Run(const Plan& plan, TempFolder temp, RunCgroup cgroup, Events events)
      : plan_(plan), temp_(std::move(temp)), cgroup_(std::move(cgroup)), events_(std::move(events)) {}

  Done start(const KernelFeatures& kernel, const OomScore& score, void (*tell)(const std::string& message)) {
    std::array<int, 2> pipe{};
    if (pipe2(pipe.data(), O_CLOEXEC) != 0) {
      return failure("cannot make a pipe");
    }
    start_ = StartWatch(UniqueFd(pipe[0]));
    const UniqueFd start_fd(pipe[1]);
    const pid_t launcher = getpid();
    score.raise_for_command();
    command_ = fork();
    if (command_ == 0) {
      tell(encode(Started{getpid()}));  // by itself, so that it never runs before that is told
      become_command({plan_, kernel, temp_, cgroup_, launcher, start_fd.get()});
    }
    const int error = errno;
    score.restore();
    if (command_ < 0) {
      return failure("cannot start a process", error);
    }
    static_cast<void>(fcntl(pipe[0], F_SETFL, O_NONBLOCK));
    // The child does the same; whoever comes first.
    static_cast<void>(setpgid(command_, command_));
    return {};
  }

  // Until the command itself has ended, or the daemon has.
  void follow() {
    Clock::time_point next = Clock::now() + milliseconds(plan_.timeout_ms);
    while (!has_command_ended() && !events_.is_daemon_gone()) {
      events_.wait(next, start_.fd());
      start_.read_all();
      reap_ended_but(command_);
      if (Clock::now() < next || has_command_ended()) {
        continue;
      }
      if (!report_.timed_out) {
        report_.timed_out = true;
        kill(-command_, SIGTERM);
        kill(-command_, SIGCONT);  // a stopped process hears nothing else
        next = Clock::now() + milliseconds(plan_.grace_ms);
      } else {
        kill_group();
        next = Clock::time_point::max();
      }
    }
    start_.read_all();  // its start is seen no later than its end
    ended_at_ = Clock::now();
  }

  // Kills and reaps all that is left. A process that the kernel cannot let go of yet is waited for as long as the
  // daemon is there: while it is, the run is not over.
  void finish() {
    kill_group();
    report_.not_started = start_.why_not_started();
    if (report_.not_started.empty()) {
      report_.duration_us =
          std::chrono::duration_cast<std::chrono::microseconds>(ended_at_ - start_.started_at()).count();
    }
    Clock::time_point give_up = Clock::time_point::max();
    while (reap_ended() && Clock::now() < give_up) {
      kill_children();
      cgroup_.kill();
      events_.wait(Clock::now() + milliseconds(limits::run_reap_poll_ms), -1);
      if (events_.is_daemon_gone() && give_up == Clock::time_point::max()) {
        give_up = Clock::now() + milliseconds(limits::run_reap_ms_max);
      }
    }
    static_cast<void>(cgroup_.remove());
  }

  [[nodiscard]] const Report& report() const { return report_; }
  [[nodiscard]] bool is_daemon_gone() const { return events_.is_daemon_gone(); }
  TempFolder& temp() { return temp_; }

 private:
  // It stays unreaped, so that its group's number is nobody else's before the group was killed.
  bool has_command_ended() {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(command_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
      return false;
    }
    report_.is_signal = info.si_code != CLD_EXITED;
    report_.number = info.si_status;
    return true;
  }

  void kill_group() {
    kill(-command_, SIGKILL);
    cgroup_.kill();
  }

  const Plan& plan_;
  TempFolder temp_;
  RunCgroup cgroup_;
  Events events_;
  StartWatch start_{UniqueFd()};
  pid_t command_ = -1;
  Clock::time_point ended_at_;
  Report report_;
};

// The command's own descriptors: while the launcher holds them, nobody sees their end.
void let_go_of_standard_streams() {
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (!null || dup3(null.get(), fd, 0) != fd) {
      close(fd);
    }
  }
}

std::expected<Run, std::string> begin(const Plan& plan, const OomScore& score,
                                      void (*tell)(const std::string& message)) {
  const KernelFeatures kernel = kernel_features(plan.landlock_abi_max);
  if (plan.is_sandbox_required && !kernel.has_minimum()) {
    return std::unexpected("the sandbox is required, and this kernel lacks it: " + kernel.missing().front());
  }
  auto events = Events::make();
  if (!events.has_value()) {
    return std::unexpected(events.error());
  }
  auto cgroup = RunCgroup::make(plan);
  if (!cgroup.has_value()) {
    return std::unexpected(cgroup.error());
  }
  auto temp = TempFolder::make(plan.temp_parent);
  if (!temp.has_value()) {
    return std::unexpected(temp.error());
  }
  Run run(plan, std::move(*temp), std::move(*cgroup), std::move(*events));
  if (Done done = run.start(kernel, score, tell); !done.has_value()) {
    static_cast<void>(run.temp().remove(std::nullopt));
    return std::unexpected(done.error());
  }
  return run;
}

}  // namespace

void run(const Plan& plan, const OomScore& score, void (*tell)(const std::string& message)) {
  auto run = begin(plan, score, tell);
  let_go_of_standard_streams();
  if (!run.has_value()) {
    tell(encode(Report{.not_started = run.error()}));
    return;
  }
  run->follow();
  run->finish();
  const bool is_removed = run->temp().remove(Clock::now() + milliseconds(limits::run_cleanup_ms_max));
  if (!run->is_daemon_gone()) {
    tell(encode(run->report()));
  }
  if (!is_removed) {
    static_cast<void>(run->temp().remove(std::nullopt));
  }
}

}  // namespace openexec::launch
