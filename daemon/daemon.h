// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/core/registry.h"

namespace openexec {

// The whole life of a daemon that can run these actions. Gives the exit code: 0 stopped in order, 1 stopped with
// something still running or undone, 2 refused to start.
int run_daemon(int argc, char** argv, Registry registry);

}  // namespace openexec
