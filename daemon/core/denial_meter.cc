// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/denial_meter.h"

#include <algorithm>
#include <utility>

namespace openexec {
namespace {

// Rows that are kept free for what has no uid of its own: one for each reason, and replays.
const std::size_t shared_rows = reasons().size() + 1;

constexpr double us_per_second = 1e6;

}  // namespace

// nullptr when too many uids are about: those without a bucket are only counted.
DenialMeter::Bucket* DenialMeter::bucket(std::uint32_t uid, UtcTime now) {
  const double full = rate_;
  const auto found = buckets_.find(uid);
  if (found == buckets_.end()) {
    if (buckets_.size() >= limits::denial_uids_max) {
      std::erase_if(buckets_, [&](const auto& each) {
        const double since_s = static_cast<double>(now.us - each.second.filled.us) / us_per_second;
        return each.second.tokens + since_s * full >= full;  // as good as new
      });
    }
    return buckets_.size() >= limits::denial_uids_max ? nullptr : &(buckets_[uid] = {full, now});
  }
  Bucket& known = found->second;
  const double since_s = static_cast<double>(now.us - known.filled.us) / us_per_second;
  if (since_s > 0) {  // a clock set back gives nothing, and is taken as it is now
    known.tokens = std::min(full, known.tokens + since_s * full);
  }
  known.filled = now;
  return &known;
}

bool DenialMeter::may_enter(std::uint32_t uid, UtcTime now) {
  const Bucket* its = bucket(uid, now);
  return its != nullptr && its->tokens >= 1;
}

void DenialMeter::entered(std::uint32_t uid, UtcTime now) {
  if (Bucket* its = bucket(uid, now); its != nullptr) {
    its->tokens -= 1;
  }
}

void DenialMeter::count(std::uint32_t uid, std::optional<Reason> reason, UtcTime now) {
  if (rows_.empty()) {
    since_ = now;
  }
  add({uid, reason, 1});
}

void DenialMeter::add(DeniedSummary::Row row) {
  auto place = std::ranges::lower_bound(rows_, row, sorts_before);
  const auto is_there = [&] { return place != rows_.end() && !sorts_before(row, *place); };
  if (!is_there() && row.uid && rows_.size() + shared_rows >= limits::summary_rows_max) {
    row.uid.reset();
    place = std::ranges::lower_bound(rows_, row, sorts_before);
  }
  if (is_there()) {
    place->count += row.count;
  } else {
    rows_.insert(place, row);
  }
}

bool DenialMeter::due(UtcTime now) const {
  // A clock set back closes the window, too: it would never end otherwise.
  return !rows_.empty() && (now >= plus_s(since_, limits::summary_window_s) || now < since_);
}

Summary DenialMeter::take() { return {std::exchange(rows_, {}), since_}; }

void DenialMeter::put_back(const Summary& summary) {
  since_ = rows_.empty() ? summary.since : std::min(since_, summary.since);
  for (const DeniedSummary::Row& row : summary.rows) {
    add(row);
  }
}

}  // namespace openexec
