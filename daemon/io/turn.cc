// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/turn.h"

#include <algorithm>
#include <utility>

#include "proto-json/check.h"

namespace openexec {

LoopTurn::LoopTurn(Loop& loop) {
  OPENEXEC_CHECK(check_.open([&](uv_check_t* check) { return uv_check_init(loop.get(), check); }) == 0);
  OPENEXEC_CHECK(idle_.open([&](uv_idle_t* idle) { return uv_idle_init(loop.get(), idle); }) == 0);
  check_.get()->data = this;
  const auto polled = [](uv_check_t* check) { static_cast<LoopTurn*>(check->data)->end(); };
  OPENEXEC_CHECK(uv_check_start(check_.get(), polled) == 0);
}

void LoopTurn::set(Phase phase, std::function<void()> work) {
  steps_[static_cast<std::size_t>(phase)] = {std::move(work), false};
}

void LoopTurn::request(Phase phase) {
  Step& step = steps_[static_cast<std::size_t>(phase)];
  if (!step.requested) {
    step.requested = true;
    OPENEXEC_CHECK(uv_idle_start(idle_.get(), [](uv_idle_t*) {}) == 0);
  }
}

void LoopTurn::end() {
  for (Step& step : steps_) {
    if (std::exchange(step.requested, false) && step.work) {
      step.work();
    }
  }
  if (std::none_of(steps_.begin(), steps_.end(), [](const Step& step) { return step.requested; })) {
    uv_idle_stop(idle_.get());
  }
}

}  // namespace openexec
