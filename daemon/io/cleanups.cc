// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/cleanups.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "daemon/launch/plan.h"
#include "proto-json/limits.h"

namespace openexec {

void Cleanups::add(ChildProcess process, std::function<void()> ended) {
  auto owned = std::make_unique<One>(loop_, std::move(process));
  One& one = *owned;
  live_.emplace(&one, std::move(owned));
  one.process.on_end([this, &one, then = std::move(ended)] {
    live_.erase(&one);
    then();
  });
  one.deadline.start(limits::late_cleanup_ms_max, 0, [&one] { one.process.kill(); });
}

void Cleanups::keep(ChildProcess launcher) { add(std::move(launcher), ended_); }

void Cleanups::sweep(int launcher, const std::string& temp_parent) {
  if (is_sweeping_) {
    sweeps_again_ = true;
    return;
  }
  const std::string program = fmt::format("/proc/self/fd/{}", launcher);
  std::array<std::string, 3> words = {"openexec-launch", std::string(launch::sweep_flag), temp_parent};
  std::array<char*, 4> arguments = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  std::array<char*, 1> environment = {nullptr};
  uv_process_options_t options{};
  options.file = program.c_str();
  options.args = arguments.data();
  options.env = environment.data();
  options.cwd = "/";
  options.flags = UV_PROCESS_DETACHED;
  if (auto started = ChildProcess::start(loop_, options)) {
    is_sweeping_ = true;
    add(*std::move(started), [this, launcher, temp_parent] { sweep_ended(launcher, temp_parent); });
  }
}

void Cleanups::sweep_ended(int launcher, const std::string& temp_parent) {
  is_sweeping_ = false;
  if (std::exchange(sweeps_again_, false)) {
    sweep(launcher, temp_parent);
  }
}

}  // namespace openexec
