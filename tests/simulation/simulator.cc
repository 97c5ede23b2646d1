// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/simulator.h"

#include "proto-json/crypto.h"
#include "tests/simulation/world.h"

namespace openexec::simulation {

Findings simulate(std::uint64_t seed, std::size_t steps, Broken broken) {
  init_crypto();
  Findings findings;
  const Plan plan = plan_of(seed);
  World world(seed, plan, broken, findings);
  for (std::size_t number = 1; number <= steps && !findings.violation(); ++number) {
    world.step(number);
  }
  if (!findings.violation()) {
    world.finish(steps + 1);
  }
  return findings;
}

}  // namespace openexec::simulation
