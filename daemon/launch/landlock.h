// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/launch/failure.h"
#include "daemon/launch/plan.h"

namespace openexec::launch {

// Takes from this process and all that it starts every right that this Landlock ABI knows of, but for what the plan
// gives, three devices, the executable and the temporary folder. For good. Needs no_new_privs.
Done apply_landlock(const Plan& plan, int temp_dir, int abi);

}  // namespace openexec::launch
