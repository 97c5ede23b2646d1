// SPDX-License-Identifier: Apache-2.0
// Whether something aborts, tried in a process of its own.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/catch.h"

namespace openexec {

template <typename Function>
bool aborts(Function function) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Quietly: no report by the test framework's own handler, no message, no core file.
    static_cast<void>(std::signal(SIGABRT, SIG_DFL));
    const rlimit no_core = {0, 0};
    static_cast<void>(setrlimit(RLIMIT_CORE, &no_core));
    static_cast<void>(close(STDERR_FILENO));
    function();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

}  // namespace openexec
