// SPDX-License-Identifier: Apache-2.0
// Runs one world from a seed and reports. The same seed and steps give the same world, event for event.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/simulation/findings.h"
#include "tests/simulation/plan.h"

namespace openexec::simulation {

// Steps of one world: enough for its faults to meet, few enough to begin anew often.
inline constexpr std::size_t world_steps = 2500;

Findings simulate(std::uint64_t seed, std::size_t steps, Broken broken = Broken::nothing);

}  // namespace openexec::simulation
