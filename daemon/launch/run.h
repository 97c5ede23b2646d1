// SPDX-License-Identifier: Apache-2.0
// One run, from its plan to the end of its last process.
#pragma once

#include <string>

#include "daemon/launch/oom_score.h"
#include "daemon/launch/plan.h"

namespace openexec::launch {

// Runs the plan. When it returns nothing of the run is left, not even its temporary folder; unless that takes long:
// then the report does not wait for it. `tell` sends a message to the daemon: what plan.h says comes back, without the
// report when the daemon is gone.
void run(const Plan& plan, const OomScore& score, void (*tell)(const std::string& message));

}  // namespace openexec::launch
