// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "daemon/core/policy.h"

namespace openexec {

// Who is at the other end of a Unix socket, by the kernel's word as of its connect(). Nothing when the kernel does not
// say. Where a peer is in more than peer_groups_max groups only its primary one counts.
std::optional<Caller> peer_of(int fd);

}  // namespace openexec
