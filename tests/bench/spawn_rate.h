// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace openexec::bench {

// How often a second that program is started by plain posix_spawn and waited for, `concurrency` at one time: what a
// command through the daemon is measured against. Nothing when it cannot be started or does not end with 0.
std::optional<double> spawns_per_second(std::string program, std::size_t concurrency, double seconds);

}  // namespace openexec::bench
