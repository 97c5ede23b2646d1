// SPDX-License-Identifier: Apache-2.0
#include "daemon/launch/kernel.h"
#include "tests/support/catch.h"

namespace openexec::launch {
namespace {

TEST_CASE("the minimum is Landlock of ABI 2 and seccomp") {
  CHECK(KernelFeatures{.landlock_abi = 2, .seccomp = true}.has_minimum());
  CHECK(KernelFeatures{.landlock_abi = 7, .seccomp = true}.has_minimum());
  CHECK_FALSE(KernelFeatures{.landlock_abi = 1, .seccomp = true}.has_minimum());
  CHECK_FALSE(KernelFeatures{.landlock_abi = 0, .seccomp = true}.has_minimum());
  CHECK_FALSE(KernelFeatures{.landlock_abi = 7, .seccomp = false}.has_minimum());
}

TEST_CASE("what a kernel lacks is named, line by line") {
  CHECK(KernelFeatures{.landlock_abi = 6, .seccomp = true}.missing().empty());
  CHECK(KernelFeatures{.landlock_abi = 2, .seccomp = true}.missing().size() == 4);
  CHECK(KernelFeatures{}.missing().size() == 7);
  CHECK(KernelFeatures{.landlock_abi = 7}.missing().front().find("seccomp") != std::string::npos);
}

TEST_CASE("a kernel can be taken for an older one, never for a newer") {
  const KernelFeatures found = kernel_features();
  CHECK(kernel_features(1).landlock_abi <= 1);
  CHECK(kernel_features(1000).landlock_abi == found.landlock_abi);
  CHECK(kernel_features(1).seccomp == found.seccomp);
}

}  // namespace
}  // namespace openexec::launch
