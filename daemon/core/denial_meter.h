// SPDX-License-Identifier: Apache-2.0
// What gets no entry of its own, so that a flood cannot fill the log: denials past a rate, replays, and what was turned
// away for lack of room. They are counted, and a `denied_summary` entry closes each window of time: it cannot hide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/core/op.h"
#include "daemon/core/uid_buckets.h"
#include "proto-json/limits.h"
#include "proto-json/utc_time.h"

namespace openexec {

class DenialMeter {
 public:
  // Each uid may have that many denials entered a second, and no more than one second's worth at once.
  explicit DenialMeter(std::uint32_t entries_per_second) : buckets_(entries_per_second) {}

  // Whether a denial of this uid may have an entry.
  [[nodiscard]] bool may_enter(std::uint32_t uid, UtcTime now) { return buckets_.allows(uid, now); }
  // It got one, asked for or not.
  void entered(std::uint32_t uid, UtcTime now) { buckets_.spend(uid, now); }

  // Got no entry; no reason: a replay.
  void count(std::uint32_t uid, std::optional<Reason> reason, UtcTime now);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // Something was counted, and its window is over.
  [[nodiscard]] bool due(UtcTime now) const;
  // What was counted; nothing is from here on.
  Summary take();
  // It could not be recorded: it counts on.
  void put_back(const Summary& summary);

 private:
  void add(DeniedSummary::Row row);

  UidBuckets buckets_;
  std::vector<DeniedSummary::Row> rows_;  // as in the entry: sorted, at most summary_rows_max
  UtcTime since_;                         // of the first that was counted
};

}  // namespace openexec
