// SPDX-License-Identifier: Apache-2.0
// Named places where the crash tests kill the daemon. Compiled into a test build only: elsewhere they are nothing.
#pragma once

#ifdef OPENEXEC_FAULT_POINTS

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace openexec {
// Dies as by kill -9 when $OPENEXEC_FAULT names this point; the first $OPENEXEC_FAULT_PASSES times it goes on.
inline void fault_point(std::string_view name) {
  static std::atomic<int> passed = 0;
  const char* wanted = std::getenv("OPENEXEC_FAULT");
  if (wanted == nullptr || name != wanted) {
    return;
  }
  const char* passes = std::getenv("OPENEXEC_FAULT_PASSES");
  if (passed++ >= (passes == nullptr ? 0 : std::atoi(passes))) {
    static_cast<void>(std::raise(SIGKILL));
  }
}
}  // namespace openexec
#define OPENEXEC_FAULT_POINT(name) ::openexec::fault_point(name)

#else
#define OPENEXEC_FAULT_POINT(name) static_cast<void>(0)
#endif
