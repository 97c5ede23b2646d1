// SPDX-License-Identifier: Apache-2.0
// What starting a child process takes.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <expected>

#include "client/cli/file.h"
#include "proto-json/check.h"

namespace openexec::cli {

struct SpawnSettings {
  SpawnSettings() {
    OPENEXEC_CHECK(::posix_spawn_file_actions_init(&actions) == 0);
    OPENEXEC_CHECK(::posix_spawnattr_init(&attributes) == 0);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

// Both ends of a pipe, closed on exec.
struct Pipe {
  File read;
  File write;
};
inline std::expected<Pipe, int> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return std::unexpected(errno);
  }
  return Pipe{File(ends[0]), File(ends[1])};
}

}  // namespace openexec::cli
