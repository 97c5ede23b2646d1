// SPDX-License-Identifier: Apache-2.0
#include "daemon/launch/kernel.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace openexec::launch {
namespace {

constexpr int landlock_abi_minimum = 2;  // with 1 no file could be moved from folder to folder; Debian 12 has 2

// From uapi/linux/landlock.h, which older systems lack or have in an older form. The system calls have the same numbers
// everywhere.
constexpr unsigned create_ruleset_version = 1;

bool has_seccomp_filters() {
  const std::uint32_t action = SECCOMP_RET_ERRNO;
  return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

}  // namespace

bool KernelFeatures::has_minimum() const { return landlock_abi >= landlock_abi_minimum && seccomp; }

std::vector<std::string> KernelFeatures::missing() const {
  struct Lack {
    int abi;  // the first Landlock ABI that has it
    const char* text;
  };
  // What seccomp or nothing does instead below that ABI: docs/sandbox.md.
  static constexpr Lack lacks[] = {
      {1, "it cannot keep a command to the paths it was given (Landlock is missing or off)"},
      {2, "it cannot let a command move files between folders it may write (Landlock ABI 2)"},
      {3, "it cannot tell truncation from opening, so seccomp bars truncate() (Landlock ABI 3)"},
      {4, "it cannot bar TCP by itself, so seccomp alone bars sockets (Landlock ABI 4)"},
      {5, "it cannot bar ioctl() on devices that a command may open (Landlock ABI 5)"},
      {6, "it cannot keep signals within a run, so seccomp lets a command signal only its own group (Landlock ABI 6)"},
  };
  std::vector<std::string> out;
  if (!seccomp) {
    out.emplace_back("it cannot filter system calls (seccomp is missing or off)");
  }
  for (const Lack& lack : lacks) {
    if (landlock_abi < lack.abi) {
      out.emplace_back(lack.text);
    }
  }
  return out;
}

KernelFeatures kernel_features(int landlock_abi_max) {
  KernelFeatures features;
  features.landlock_abi =
      std::max(0, static_cast<int>(syscall(SYS_landlock_create_ruleset, nullptr, 0, create_ruleset_version)));
  if (landlock_abi_max > 0) {
    features.landlock_abi = std::min(features.landlock_abi, landlock_abi_max);
  }
  features.seccomp = has_seccomp_filters();
  return features;
}

}  // namespace openexec::launch
