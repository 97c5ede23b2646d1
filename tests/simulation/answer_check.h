// SPDX-License-Identifier: Apache-2.0
// Judges each answer as it is given, against the model and the durable log.
#pragma once

#include <cstddef>
#include <cstdint>

#include "daemon/core/engine.h"
#include "tests/simulation/counts.h"
#include "tests/simulation/history.h"
#include "tests/simulation/uid_rate.h"

namespace openexec::simulation {

class AnswerCheck {
 public:
  AnswerCheck(const Plan& plan, const Clients& clients, History& history, Counts& counts, UidRate& rate,
              Findings& findings)
      : plan_(plan), clients_(clients), history_(history), counts_(counts), rate_(rate), findings_(findings) {}

  // The model has taken in everything durable before this is called.
  void check(std::size_t index, const Answer& answer);

 private:
  void result(std::size_t index, const ExecuteResult& result);
  void check_result(std::size_t index, const CheckResult& result);
  void refusal(std::size_t index, const Refusal& refusal);
  void refusal_receipt(std::size_t index, const Refusal& refusal);
  void denial(std::size_t index, const Refusal& refusal);
  void count(std::size_t index, const Answer& answer);

  const Plan& plan_;
  const Clients& clients_;
  History& history_;
  Counts& counts_;
  UidRate& rate_;
  Findings& findings_;
};

}  // namespace openexec::simulation
