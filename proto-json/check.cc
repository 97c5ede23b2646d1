// SPDX-License-Identifier: Apache-2.0
#include "proto-json/check.h"

#include <cstdio>
#include <cstdlib>

namespace openexec {

void check_failed(const char* expression, const char* file, int line) noexcept {
  static_cast<void>(std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, expression));
  std::abort();
}

}  // namespace openexec
