// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "daemon/core/clock.h"

namespace openexec::simulation {

// A clock that is set by hand and remembers what it said.
class SimClock final : public Clock {
 public:
  explicit SimClock(UtcTime start) : said_{start} {}
  [[nodiscard]] UtcTime now() const override { return said_.back(); }
  void set(UtcTime now) { said_.push_back(now); }

  [[nodiscard]] std::size_t mark() const { return said_.size() - 1; }
  // The earliest and the latest it said from that mark on.
  [[nodiscard]] std::pair<UtcTime, UtcTime> range_since(std::size_t mark) const {
    const auto [low, high] = std::minmax_element(said_.begin() + static_cast<std::ptrdiff_t>(mark), said_.end());
    return {*low, *high};
  }
  [[nodiscard]] UtcTime latest() const { return *std::max_element(said_.begin(), said_.end()); }

 private:
  std::vector<UtcTime> said_;
};

}  // namespace openexec::simulation
