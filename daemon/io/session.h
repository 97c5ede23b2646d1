// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

namespace openexec {

// Kills every process of that session that is left and that /proc shows.
void kill_session(pid_t session);

// Kills that process group, which a run of that session had, wherever its processes may be seen. Whether there is still
// somebody in it, dying or not reaped.
bool kill_group(pid_t session, pid_t group);

}  // namespace openexec
