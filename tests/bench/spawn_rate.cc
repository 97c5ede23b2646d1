// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/spawn_rate.h"

#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cstdint>

namespace openexec::bench {

std::optional<double> spawns_per_second(std::string program, std::size_t concurrency, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  const std::array<char*, 2> arguments = {program.data(), nullptr};
  std::array<char*, 1> environment = {nullptr};
  std::size_t running = 0;
  std::uint64_t ended = 0;
  while (elapsed() < seconds || running > 0) {
    if (running < concurrency && elapsed() < seconds) {
      pid_t pid = 0;
      if (posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments.data(), environment.data()) != 0) {
        return std::nullopt;
      }
      ++running;
      continue;
    }
    int status = 0;
    if (waitpid(-1, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      return std::nullopt;
    }
    --running;
    ++ended;
  }
  return static_cast<double>(ended) / elapsed();
}

}  // namespace openexec::bench
