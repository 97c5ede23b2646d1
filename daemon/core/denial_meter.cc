// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/denial_meter.h"

#include <algorithm>
#include <utility>

namespace openexec {
namespace {

// Rows that are kept free for what has no uid of its own: one for each reason, and replays.
const std::size_t shared_rows = reasons().size() + 1;

}  // namespace

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
