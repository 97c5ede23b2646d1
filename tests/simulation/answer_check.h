// SPDX-License-Identifier: Apache-2.0
// Judges each answer as it is given, against the model and the durable log.
#pragma once

#include <cstddef>
#include <cstdint>

#include "daemon/core/engine.h"
#include "tests/simulation/history.h"

namespace openexec::simulation {

class AnswerCheck {
 public:
  AnswerCheck(const Plan& plan, const Clients& clients, History& history, Findings& findings)
      : plan_(plan), clients_(clients), history_(history), findings_(findings) {}

  // The model has taken in everything durable before this is called.
  void check(std::size_t index, const Answer& answer);

 private:
  void result(std::size_t index, const ExecuteResult& result);
  void check_result(std::size_t index, const CheckResult& result);
  void refusal(std::size_t index, const Refusal& refusal);
  void refusal_receipt(std::size_t index, const Refusal& refusal);

  const Plan& plan_;
  const Clients& clients_;
  History& history_;
  Findings& findings_;
};

}  // namespace openexec::simulation
