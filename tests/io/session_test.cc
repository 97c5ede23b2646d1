// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/session.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "daemon/io/unique_fd.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

// A session whose leader is dead, with a group in it: its own leader, unless that is dead, too, and one more process.
// Their orphans are this process's children.
class LostRun {
 public:
  explicit LostRun(bool has_leader) {
    REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    session_ = fork();
    REQUIRE(session_ >= 0);
    if (session_ == 0) {
      static_cast<void>(std::signal(SIGTERM, SIG_DFL));  // not the test framework's
      setsid();
      const pid_t group = fork();
      if (group == 0) {
        setpgid(0, 0);
        const std::array<pid_t, 2> pids = {getpid(), fork()};
        if (pids[1] == 0) {
          stay();
        }
        [[maybe_unused]] const ssize_t size = write(writing.get(), pids.data(), sizeof pids);
        has_leader ? stay() : _exit(0);
      }
      int status = 0;
      has_leader ? pause() : waitpid(group, &status, 0);
      _exit(0);
    }
    std::array<pid_t, 2> pids{};
    REQUIRE(read(reading.get(), pids.data(), sizeof pids) == sizeof pids);
    group_ = pids[0];
    last_ = pids[1];
    if (has_leader) {
      kill(session_, SIGKILL);
    }
    REQUIRE(waitpid(session_, nullptr, 0) == session_);
  }
  LostRun(const LostRun&) = delete;
  LostRun& operator=(const LostRun&) = delete;
  ~LostRun() {
    kill(last_, SIGKILL);
    kill(group_, SIGKILL);
    while (waitpid(-group_, nullptr, 0) > 0) {
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
  }

  [[nodiscard]] pid_t session() const { return session_; }
  [[nodiscard]] pid_t group() const { return group_; }
  // Reaps all of the group; how many of them that signal has ended.
  [[nodiscard]] int ended_by(int signal) const {
    int count = 0;
    int status = 0;
    while (waitpid(-group_, &status, 0) > 0) {
      count += WIFSIGNALED(status) && WTERMSIG(status) == signal ? 1 : 0;
    }
    return count;
  }

 private:
  [[noreturn]] static void stay() {
    for (;;) {
      pause();
    }
  }
  pid_t session_ = -1;
  pid_t group_ = -1;
  pid_t last_ = -1;
};

TEST_CASE("the group of a lost run is killed whole, until nobody is in it") {
  const LostRun run(true);
  CHECK(kill_group(run.session(), run.group()));
  CHECK(run.ended_by(SIGKILL) == 2);
  CHECK_FALSE(kill_group(run.session(), run.group()));
}

TEST_CASE("what is left of a lost run's group is killed when its leader is gone") {
  const LostRun run(false);
  CHECK(getsid(run.group()) == -1);
  CHECK(kill_group(run.session(), run.group()));
  CHECK(run.ended_by(SIGKILL) == 1);
}

TEST_CASE("a group whose number is another session's now is left alone") {
  const LostRun run(true);
  CHECK_FALSE(kill_group(run.session() + 1, run.group()));
  kill(-run.group(), SIGTERM);
  CHECK(run.ended_by(SIGTERM) == 2);
}

}  // namespace
}  // namespace openexec
