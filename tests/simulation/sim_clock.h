// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "daemon/core/clock.h"

namespace openexec::simulation {

// A clock that is set by hand and remembers what it said.
class SimClock final : public Clock {
 public:
  explicit SimClock(UtcTime start) : said_{start} {}
  [[nodiscard]] UtcTime now() const override { return said_.back(); }
  void set(UtcTime now) {
    forward_us_ += std::max<std::int64_t>(0, now.us - said_.back().us);
    said_.push_back(now);
  }
  // How far it ever went on, whatever it went back.
  [[nodiscard]] std::int64_t forward_us() const { return forward_us_; }

  [[nodiscard]] std::size_t mark() const { return said_.size() - 1; }
  // The earliest and the latest it said from that mark on.
  [[nodiscard]] std::pair<UtcTime, UtcTime> range_since(std::size_t mark) const {
    const auto [low, high] = std::minmax_element(said_.begin() + static_cast<std::ptrdiff_t>(mark), said_.end());
    return {*low, *high};
  }
  [[nodiscard]] UtcTime latest() const { return *std::max_element(said_.begin(), said_.end()); }

 private:
  std::vector<UtcTime> said_;
  std::int64_t forward_us_ = 0;
};

}  // namespace openexec::simulation
