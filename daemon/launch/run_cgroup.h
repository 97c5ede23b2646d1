// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "daemon/io/unique_fd.h"
#include "daemon/launch/failure.h"
#include "daemon/launch/plan.h"

namespace openexec::launch {

// A run's own group in the delegated part of the cgroup v2 tree. Nothing when the plan names none.
class RunCgroup {
 public:
  static std::expected<RunCgroup, std::string> make(const Plan& plan);

  RunCgroup() = default;
  RunCgroup(RunCgroup&& other) noexcept
      : path_(std::exchange(other.path_, {})),
        folder_(std::move(other.folder_)),
        bounds_memory_(other.bounds_memory_) {}
  RunCgroup& operator=(RunCgroup&&) = delete;
  RunCgroup(const RunCgroup&) = delete;
  RunCgroup& operator=(const RunCgroup&) = delete;
  ~RunCgroup() { remove(); }

  // Its processes together use no more than the plan says.
  [[nodiscard]] bool bounds_memory() const { return bounds_memory_; }
  // Moves the calling process into it.
  [[nodiscard]] Done join() const;
  // Kills every process in it.
  void kill() const;
  // False while there are processes in it.
  bool remove();

 private:
  [[nodiscard]] Done bound(const Plan& plan);
  [[nodiscard]] Done write(const char* file, std::string_view text) const;

  std::string path_;  // empty: there is none, or it was removed
  UniqueFd folder_;
  bool bounds_memory_ = false;
};

}  // namespace openexec::launch
