// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/turn.h"

#include "daemon/io/watchers.h"
#include "tests/io/io_support.h"

namespace openexec {
namespace {

using Phase = LoopTurn::Phase;

TEST_CASE("the phases of a turn go in order, each once however often it was asked for") {
  const auto loop = test::open_loop();
  LoopTurn turn(*loop);
  std::string order;
  turn.set(Phase::flush, [&] { order += 'f'; });
  turn.set(Phase::commit, [&] { order += 'c'; });
  turn.set(Phase::verify, [&] {
    order += 'v';
    turn.request(Phase::commit);
  });
  turn.request(Phase::flush);
  turn.request(Phase::verify);
  turn.request(Phase::verify);
  loop->run_ready();
  CHECK(order == "vcf");
  loop->run_ready();
  CHECK(order == "vcf");
}

// run() waits for events; that it comes to an end shows that it did not wait for one that nobody sends.
TEST_CASE("the loop never sleeps on work, wherever it was asked for") {
  const auto loop = test::open_loop();
  LoopTurn turn(*loop);
  Timer timer(*loop);
  int verified = 0;
  turn.set(Phase::flush, [&] { turn.request(Phase::verify); });  // a phase that is over in this turn
  turn.set(Phase::verify, [&] {
    if (++verified == 3) {
      loop->stop();
    } else {
      turn.request(Phase::flush);
    }
  });
  timer.start(1, 0, [&] { turn.request(Phase::flush); });
  loop->run();
  CHECK(verified == 3);
}

TEST_CASE("work for a phase that nobody serves any more is dropped") {
  const auto loop = test::open_loop();
  LoopTurn turn(*loop);
  turn.set(Phase::commit, [] { FAIL("it was taken away"); });
  turn.request(Phase::commit);
  turn.set(Phase::commit, nullptr);
  turn.request(Phase::commit);
  loop->run_ready();
  SUCCEED("nothing was called");
}

}  // namespace
}  // namespace openexec
