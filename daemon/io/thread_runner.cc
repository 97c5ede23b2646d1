// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/thread_runner.h"

#include <chrono>
#include <utility>

#include "daemon/core/fault_point.h"
#include "daemon/io/worker_thread.h"
#include "proto-json/canonical.h"

namespace openexec {
namespace {

RunResult timed_run(const Action& action, const Json& payload) {
  OPENEXEC_FAULT_POINT("run.before");
  const auto begin = std::chrono::steady_clock::now();
  RunResult result = evaluate(action, payload);
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  result.duration_us = std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count();
  OPENEXEC_FAULT_POINT("run.after");
  return result;
}

}  // namespace

ThreadRunner::ThreadRunner(Loop& loop) : waker_(loop, [this] { call_back(); }) {}

ThreadRunner::~ThreadRunner() {
  for (auto& [number, run] : running_) {
    if (run.thread.joinable()) {
      run.thread.join();
    }
  }
}

void ThreadRunner::run(const Action& action, const Json& payload, RunDone done) {
  const std::uint64_t number = next_number_++;
  Running& running = running_[number];
  running.done = std::move(done);
  auto thread = start_thread([this, number, &action, &payload] { finish(number, timed_run(action, payload)); });
  if (thread.has_value()) {
    running.thread = *std::move(thread);
  } else {
    finish(number, {ReceiptKind::failed, to_spaced(Json::object({{"error", "no thread left to run it on"}})), 0});
  }
}

void ThreadRunner::finish(std::uint64_t number, RunResult result) {
  {
    const std::lock_guard lock(mutex_);
    finished_.push_back({number, std::move(result)});
  }
  waker_.send();
}

void ThreadRunner::call_back() {
  std::vector<Finished> finished;
  {
    const std::lock_guard lock(mutex_);
    finished = std::exchange(finished_, {});
  }
  for (Finished& one : finished) {
    auto run = running_.extract(one.number);
    if (run.mapped().thread.joinable()) {
      run.mapped().thread.join();  // it is past its last act
    }
    run.mapped().done(std::move(one.result));
  }
}

}  // namespace openexec
