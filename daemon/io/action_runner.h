// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/core/runner.h"

namespace openexec {

// Gives each action to what runs its kind: a process of its own, or a function of this one.
class ActionRunner final : public Runner {
 public:
  // `commands` may be nothing where no action is a command. Both outlive this.
  ActionRunner(Runner& functions, Runner* commands) : functions_(functions), commands_(commands) {}

  void run(const Action& action, const Json& payload, RunDone done) override;

 private:
  Runner& functions_;
  Runner* commands_;
};

}  // namespace openexec
