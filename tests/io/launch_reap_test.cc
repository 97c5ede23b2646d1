// SPDX-License-Identifier: Apache-2.0
// What the sandbox bars, where it can: a process that leaves the command's group, session and parent.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "daemon/launch/reap.h"
#include "tests/support/catch.h"

namespace openexec::launch {
namespace {

// Waits for its end, whatever is sent.
[[noreturn]] void stay() {
  for (const int number : {SIGTERM, SIGHUP, SIGINT}) {
    static_cast<void>(std::signal(number, SIG_IGN));
  }
  for (;;) {
    pause();
  }
}

// A chain of processes, each in a session of its own; each writes a byte when it is there.
[[noreturn]] void leave(int depth, int ready) {
  setsid();
  if (depth > 0 && fork() == 0) {
    leave(depth - 1, ready);
  }
  [[maybe_unused]] const ssize_t size = write(ready, "x", 1);
  stay();
}

// The init of a run whose command could leave its group. Exits with 0 once nobody is left.
[[noreturn]] void be_init(int depth, int ready_to_read, int ready) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (fork() == 0) {
    leave(depth, ready);
  }
  char byte = 0;
  for (int i = 0; i <= depth; ++i) {
    if (read(ready_to_read, &byte, 1) != 1) {
      _exit(1);
    }
  }
  while (reap_ended()) {
    kill_children();
    usleep(1000);
  }
  close(ready);
  // The end of the pipe: no process of the chain holds it any more.
  _exit(read(ready_to_read, &byte, 1) == 0 ? 0 : 2);
}

TEST_CASE("what left the group, the session and its parent is killed all the same") {
  std::array<int, 2> ready{};
  REQUIRE(pipe(ready.data()) == 0);
  constexpr int depth = 10;
  const pid_t init = fork();
  if (init == 0) {
    be_init(depth, ready[0], ready[1]);
  }
  close(ready[0]);
  close(ready[1]);
  int status = -1;
  REQUIRE(waitpid(init, &status, 0) == init);
  CHECK(status == 0);
}

}  // namespace
}  // namespace openexec::launch
