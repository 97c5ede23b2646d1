// SPDX-License-Identifier: Apache-2.0
// What /proc says of a process that a test watches.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace openexec::test {

// Its children, ended ones that are not reaped included.
std::vector<pid_t> children_of(pid_t pid);
// All of its descendants.
std::vector<pid_t> descendants_of(pid_t pid);
// Nothing when only root may look: the daemon is not dumpable.
std::optional<std::size_t> open_files_of(pid_t pid);
// Memory of its own: heap and stacks.
std::int64_t anonymous_kib_of(pid_t pid);

}  // namespace openexec::test
