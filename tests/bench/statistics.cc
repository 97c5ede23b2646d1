// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace openexec::bench {

double percentile(std::span<const float> sorted, double share) {
  if (sorted.empty()) {
    return 0;
  }
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return static_cast<double>(sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1]);
}

}  // namespace openexec::bench
