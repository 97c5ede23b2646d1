// SPDX-License-Identifier: Apache-2.0
// The process that becomes the command.
#pragma once

#include <sys/types.h>

#include "daemon/launch/kernel.h"
#include "daemon/launch/plan.h"
#include "daemon/launch/run_cgroup.h"
#include "daemon/launch/temp_folder.h"

namespace openexec::launch {

struct ChildSetup {
  const Plan& plan;
  const KernelFeatures& kernel;
  const TempFolder& temp;
  const RunCgroup& cgroup;
  pid_t launcher;
  int start_fd;  // a pipe to the launcher
};

// What comes through the pipe before its end: this byte alone when the command runs; else why it does not, which this
// byte may precede.
inline constexpr char about_to_run = '\1';

// Gives up every right that the command is not to have, and becomes it.
[[noreturn]] void become_command(const ChildSetup& setup);

}  // namespace openexec::launch
