// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <uv.h>

#include <expected>
#include <memory>
#include <string>

namespace openexec {

// The event loop of one thread. Outlives everything that has a handle on it.
class Loop {
  struct Private {};

 public:
  explicit Loop(Private) {}
  static std::expected<std::unique_ptr<Loop>, std::string> open();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop().
  void run();
  // Serves what is ready now, without waiting: for tests that are the other end too.
  void run_ready();
  void stop();

  [[nodiscard]] uv_loop_t* get() { return &loop_; }

 private:
  uv_loop_t loop_ = {};
  bool opened_ = false;
};

}  // namespace openexec
