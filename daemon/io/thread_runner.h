// SPDX-License-Identifier: Apache-2.0
// Runs effectful actions of this process, each on a thread of its own.
#pragma once

#include <cstdint>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "daemon/core/runner.h"
#include "daemon/io/watchers.h"

namespace openexec {

class ThreadRunner final : public Runner {
 public:
  explicit ThreadRunner(Loop& loop);
  // Waits for what runs; it is not called back.
  ~ThreadRunner() override;
  ThreadRunner(const ThreadRunner&) = delete;
  ThreadRunner& operator=(const ThreadRunner&) = delete;

  void run(const Action& action, const Json& payload, RunDone done) override;

 private:
  struct Finished {
    std::uint64_t number;
    RunResult result;
  };
  struct Running {
    std::thread thread;
    RunDone done;
  };

  void finish(std::uint64_t number, RunResult result);  // on the run's thread
  void call_back();

  std::uint64_t next_number_ = 0;
  std::unordered_map<std::uint64_t, Running> running_;
  std::mutex mutex_;
  std::vector<Finished> finished_;
  Waker waker_;
};

}  // namespace openexec
