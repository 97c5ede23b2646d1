// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/action_runner.h"

#include <utility>

#include "proto-json/check.h"

namespace openexec {

void ActionRunner::run(const Action& action, const Json& payload, RunDone done) {
  if (action.command == nullptr) {
    functions_.run(action, payload, std::move(done));
    return;
  }
  OPENEXEC_CHECK(commands_ != nullptr);
  commands_->run(action, payload, std::move(done));
}

}  // namespace openexec
