// SPDX-License-Identifier: Apache-2.0
// What this kernel can enforce on a command.
#pragma once

#include <string>
#include <vector>

namespace openexec::launch {

struct KernelFeatures {
  int landlock_abi = 0;  // 0: none
  bool seccomp = false;  // filters

  // Landlock for paths (ABI 2 or later) and seccomp filters: what `sandbox.required` requires.
  [[nodiscard]] bool has_minimum() const;
  // What it cannot do, one line each, for an operator: empty on a recent kernel.
  [[nodiscard]] std::vector<std::string> missing() const;
};

// Asks the kernel; changes nothing. `landlock_abi_max`: take it for no newer than that; 0 for as found.
KernelFeatures kernel_features(int landlock_abi_max = 0);

}  // namespace openexec::launch
