// SPDX-License-Identifier: Apache-2.0
// A request on its way through the engine, and what may be answered to it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "daemon/core/attempt.h"
#include "daemon/core/op.h"
#include "daemon/core/registry.h"
#include "proto-json/message.h"

namespace openexec {

struct Refusal {
  Error error;
  std::optional<LogPosition> receipt;  // the denial's entry
  // approval_required: exactly what an approver must sign
  std::optional<Hash> action_hash;
  std::optional<std::string> canonical;
};

using Answer = std::variant<ExecuteResult, CheckResult, Refusal>;
using Reply = std::move_only_function<void(Answer)>;

struct Submission {
  std::shared_ptr<Attempt> attempt;  // changed no more once it is in an Op
  const Action* action = nullptr;
  bool check = false;  // say what would happen, and claim nothing
  Reply reply;
};

// One that nothing stands against so far, with the approval that it would use up.
struct Claimant {
  Submission submission;
  std::optional<ApprovalUse> approval;
};

}  // namespace openexec
