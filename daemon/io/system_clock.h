// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>

#include "daemon/core/clock.h"
#include "proto-json/check.h"

namespace openexec {

struct SystemClock final : Clock {
  [[nodiscard]] UtcTime now() const override {
    timespec time{};
    OPENEXEC_CHECK(clock_gettime(CLOCK_REALTIME, &time) == 0);
    return {std::int64_t{time.tv_sec} * us_per_s + time.tv_nsec / 1000};
  }
};

}  // namespace openexec
