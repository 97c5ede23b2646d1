// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/sim_workers.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/actions.h"

namespace openexec::simulation {
namespace {

template <typename Pending>
Pending take(std::vector<Pending>& from, std::size_t which) {
  Pending taken = std::move(from[which]);
  from.erase(from.begin() + static_cast<std::ptrdiff_t>(which));
  return taken;
}

}  // namespace

void SimVerifier::finish(std::size_t which) {
  Pending pending = take(pending_, which);
  pending.done(broken_ == Broken::every_signature_verifies ? 0 : approvers_.signer_of(pending.check));
}

void SimRunner::run(const Action& action, const Json& payload, RunDone done) {
  before_effect_();
  if (pending_.size() >= plan_.policy.runs_max) {
    findings_.violate(Promise::fail_closed, "more runs at one time than allowed");
  }
  const auto of_action = std::ranges::count(pending_, action.name, &Pending::action);
  if (static_cast<std::size_t>(of_action) >= concurrency_of(action.name)) {
    findings_.violate(Promise::fail_closed, "more runs of one action at one time than allowed");
  }
  const auto claim = history_.effect(action.name, payload);
  if (broken_ == Broken::runs_happen_twice) {
    history_.effect(action.name, payload);
  }
  findings_.event("run", fmt::format("{} for {}", action.name, claim.value_or("nothing")));
  pending_.push_back({claim.value_or(""), action.name, std::move(done)});
}

void SimRunner::finish(std::size_t which, bool executed, std::size_t serial) {
  Pending pending = take(pending_, which);
  RunResult result{executed ? ReceiptKind::executed : ReceiptKind::failed,
                   fmt::format(R"({{"{}": {}}})", executed ? "run" : "error", serial),
                   static_cast<std::int64_t>(serial)};
  if (!pending.claim.empty()) {
    history_.run_ended(pending.claim, result);
  }
  pending.done(std::move(result));
}

}  // namespace openexec::simulation
