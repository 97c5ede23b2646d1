// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto-json/utc_time.h"

namespace openexec {

// Now, in UTC. Called from the loop and from the committer's thread.
struct Clock {
  virtual ~Clock() = default;
  [[nodiscard]] virtual UtcTime now() const = 0;
};

}  // namespace openexec
