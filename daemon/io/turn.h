// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <functional>

#include "daemon/io/loop.h"
#include "daemon/io/uv_handle.h"

namespace openexec {

// One turn of the loop gathers work; its end does the work together, phase after phase. The loop never sleeps on work
// that was asked for, wherever it was asked from.
class LoopTurn {
 public:
  enum class Phase : std::size_t { verify, commit, flush };

  explicit LoopTurn(Loop& loop);
  LoopTurn(const LoopTurn&) = delete;
  LoopTurn& operator=(const LoopTurn&) = delete;

  // What the phase does; an empty function takes it away.
  void set(Phase phase, std::function<void()> work);
  // The phase is run at the end of this turn, or of the next when it is over already.
  void request(Phase phase);

 private:
  struct Step {
    std::function<void()> work;
    bool requested = false;
  };
  void end();

  std::array<Step, 3> steps_;
  UvHandle<uv_check_t> check_;
  UvHandle<uv_idle_t> idle_;  // active while anything is requested: then the loop polls without waiting
};

}  // namespace openexec
