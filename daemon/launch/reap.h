// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

namespace openexec::launch {

// Reaps what has ended; false once there is no child left. Orphans of the run are children of the launcher: it is their
// sub-reaper.
bool reap_ended();

// Reaps what has ended as long as that is not `kept`, which stays as it is.
void reap_ended_but(pid_t kept);

// Kills the children that there are, each with its process group: what left the command's group, which it can do where
// there are no seccomp filters.
void kill_children();

}  // namespace openexec::launch
