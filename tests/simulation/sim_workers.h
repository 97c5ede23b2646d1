// SPDX-License-Identifier: Apache-2.0
// The simulated Verifier and Runner: they hold what they were given until the scheduler lets one finish, in any order.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "daemon/core/runner.h"
#include "daemon/core/verifier.h"
#include "tests/simulation/approvals.h"
#include "tests/simulation/history.h"
#include "tests/simulation/plan.h"

namespace openexec::simulation {

class SimVerifier final : public Verifier {
 public:
  SimVerifier(const Approvers& approvers, Broken broken) : approvers_(approvers), broken_(broken) {}
  void verify(SignatureCheck check, VerifyDone done) override {
    pending_.push_back({std::move(check), std::move(done)});
  }

  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  void finish(std::size_t which);

 private:
  struct Pending {
    SignatureCheck check;
    VerifyDone done;
  };
  const Approvers& approvers_;
  const Broken broken_;
  std::vector<Pending> pending_;
};

class SimRunner final : public Runner {
 public:
  // `before_effect` is called before each run counts: the model catches up with the store there.
  SimRunner(const Plan& plan, History& history, Findings& findings, std::function<void()> before_effect, Broken broken)
      : plan_(plan),
        history_(history),
        findings_(findings),
        before_effect_(std::move(before_effect)),
        broken_(broken) {}
  void run(const Action& action, const Json& payload, RunDone done) override;

  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  // One run ends, with a result that no other run has.
  void finish(std::size_t which, bool executed, std::size_t serial);

 private:
  struct Pending {
    std::string claim;
    std::string action;
    RunDone done;
  };
  const Plan& plan_;
  History& history_;
  Findings& findings_;
  std::function<void()> before_effect_;
  const Broken broken_;
  std::vector<Pending> pending_;
};

}  // namespace openexec::simulation
