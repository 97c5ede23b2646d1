// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "daemon/core/registry.h"
#include "proto-json/json.h"

namespace openexec {

using RunDone = std::move_only_function<void(RunResult)>;

// Runs effectful actions. Never called before the claim is durable, and at most runs_max at one time: the engine holds
// the slots. `action` and `payload` outlive the run. Calls back on the engine's thread, never from inside run().
struct Runner {
  virtual ~Runner() = default;
  virtual void run(const Action& action, const Json& payload, RunDone done) = 0;
};

}  // namespace openexec
