// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace openexec::bench {

// The value that `share` (0 to 1) of the values do not exceed, by nearest rank; they are sorted. 0 of no values.
double percentile(std::span<const float> sorted, double share);

}  // namespace openexec::bench
