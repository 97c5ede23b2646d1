// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "daemon/io/child_process.h"
#include "daemon/io/loop.h"
#include "daemon/io/watchers.h"

namespace openexec {

// Launchers that have reported, and still remove their run's temporary folder; and the one that removes those of
// killed launchers. Each is killed when it takes too long: what it leaves is removed at the next start.
class Cleanups {
 public:
  // `ended` is called when one has ended.
  Cleanups(Loop& loop, std::function<void()> ended) : loop_(loop), ended_(std::move(ended)) {}
  Cleanups(const Cleanups&) = delete;
  Cleanups& operator=(const Cleanups&) = delete;

  void keep(ChildProcess launcher);
  // Starts the program `launcher` on that folder, or once more when it is at it.
  void sweep(int launcher, const std::string& temp_parent);
  // Of runs.
  [[nodiscard]] std::size_t count() const { return live_.size() - (is_sweeping_ ? 1 : 0); }

 private:
  struct One {
    One(Loop& loop, ChildProcess started) : process(std::move(started)), deadline(loop) {}
    ChildProcess process;
    Timer deadline;
  };
  void add(ChildProcess process, std::function<void()> ended);
  void sweep_ended(int launcher, const std::string& temp_parent);

  Loop& loop_;
  const std::function<void()> ended_;
  std::unordered_map<const One*, std::unique_ptr<One>> live_;
  bool is_sweeping_ = false;
  bool sweeps_again_ = false;
};

}  // namespace openexec
