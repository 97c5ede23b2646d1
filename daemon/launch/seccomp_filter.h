// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/launch/failure.h"

namespace openexec::launch {

struct FilterChoices {
  bool network = false;
  bool unix_sockets = false;
  int landlock_abi = 0;  // what Landlock holds back is not held back here once more
};

// Denies this process and all that it starts the system calls of docs/sandbox.md, for good. All or nothing: a rule that
// cannot be made is an error. Called by the process that becomes the command, whose group the filter may name. Needs
// no_new_privs.
Done apply_seccomp(const FilterChoices& choices);

}  // namespace openexec::launch
