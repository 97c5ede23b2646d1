// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "daemon/core/high_water.h"
#include "proto-json/check.h"

namespace openexec::simulation {

// The high-water file. What was written and not synced may be lost with the machine, the latest first.
class SimMark {
 public:
  void write(const Checkpoint& log) {
    written_.push_back({log.size, to_high_water_text(log)});
    if (written_.size() > unsynced_max) {
      written_.pop_front();  // the system has written it back by now
    }
  }
  void sync() { written_.erase(written_.begin(), written_.end() - 1); }
  // The machine dies, with the last writes of this file at most.
  void lose(std::size_t writes) {
    const std::size_t lost = written_.empty() ? 0 : std::min(writes, written_.size() - 1);
    written_.erase(written_.end() - static_cast<std::ptrdiff_t>(lost), written_.end());
  }
  // Of the log that it is of.
  [[nodiscard]] std::uint64_t size() const { return written_.empty() ? 0 : written_.back().size; }
  [[nodiscard]] std::optional<Checkpoint> read() const {
    if (written_.empty()) {
      return std::nullopt;
    }
    auto mark = read_high_water_text(written_.back().text);
    OPENEXEC_CHECK(mark.has_value());
    return mark;
  }

 private:
  static constexpr std::size_t unsynced_max = 8;
  struct Written {
    std::uint64_t size = 0;
    std::string text;
  };
  std::deque<Written> written_;  // the first is on the disk
};

}  // namespace openexec::simulation
