// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

namespace openexec::simulation {
namespace {

bool is_over(UtcTime since, UtcTime now) { return now >= plus_s(since, limits::summary_window_s) || now < since; }

std::string name_of(std::optional<Reason> reason) { return std::string(reason ? info(*reason).name : "replayed"); }

}  // namespace

void Counts::answered(std::uint32_t uid, std::optional<Reason> reason) {
  ++untold_[{uid, reason}];
  if (!since_) {
    since_ = Times{clock_.now(), clock_.now()};
  }
}

void Counts::asked(const Summary& op, bool stopping) {
  const UtcTime now = clock_.now();
  if (asked_) {
    violate("a summary is asked for while another is on its way");
  }
  if (!stopping && !is_over(op.since, now)) {
    violate("a summary is asked for before its window is over");
  }
  const auto [low, high] = clock_.range_since(mark_);
  const Times times = since_.value_or(Times{low, high});
  if (op.since < times.low || op.since > times.high) {
    violate("a summary tells another begin than its window's");
  }
  std::map<Key, std::int64_t> told;
  for (const DeniedSummary::Row& row : op.rows) {
    if (!row.uid || !told.emplace(Key(*row.uid, row.reason), static_cast<std::int64_t>(row.count)).second) {
      violate("a summary has a row with no uid of its own, or one twice");
    }
  }
  for (const auto& key : std::views::keys(untold_)) {
    told.try_emplace(key, 0);
  }
  for (const auto& [key, count] : told) {
    if (count != untold_[key]) {
      violate(fmt::format("a summary tells {} of uid {} {}, and it was {}", count, key.first, name_of(key.second),
                          untold_[key]));
    }
    untold_[key] -= count;
  }
  asked_ = op;
  entries_ = 0;
  since_.reset();
  mark_ = clock_.mark();
}

void Counts::entry(std::uint64_t index, const DeniedSummary& summary) {
  if (!asked_ || ++entries_ > 1 || summary.rows != asked_->rows || summary.since != asked_->since) {
    violate(fmt::format("entry {} is not the summary that was asked for", index));
  }
}

void Counts::ended(bool recorded) {
  if (!asked_ || (recorded && entries_ != 1)) {
    return violate("a summary is reported durable and is not");
  }
  last_lost_ = !recorded;
  const Summary op = *std::exchange(asked_, std::nullopt);
  if (recorded) {
    return findings_.count("summary recorded");
  }
  findings_.count(entries_ > 0 ? "summary durable and told again" : "summary told again");
  for (const DeniedSummary::Row& row : op.rows) {
    untold_[{row.uid.value_or(0), row.reason}] += static_cast<std::int64_t>(row.count);
  }
  const auto [low, high] = clock_.range_since(mark_);
  since_ = Times{std::min(low, op.since), op.since};
}

void Counts::ticked(bool store_failed) {
  const UtcTime now = clock_.now();
  const bool is_due = since_ && (now >= plus_s(since_->high, limits::summary_window_s) || now < since_->low);
  if (!store_failed && !asked_ && is_due) {
    violate("a window is over, and no summary is asked for");
  }
}

bool Counts::nothing_untold() const {
  return std::ranges::all_of(std::views::values(untold_), [](std::int64_t count) { return count == 0; });
}

void Counts::stopped(bool store_failed) {
  if (asked_) {
    violate("the engine stopped with a summary on its way");
  }
  if (!store_failed && !last_lost_ && !nothing_untold()) {
    violate("the engine stopped, and something that it counted is in no summary");
  }
}

void Counts::process_died() {
  if (asked_ || !nothing_untold()) {
    findings_.count("counts lost by a crash");
  }
  untold_.clear();
  since_.reset();
  asked_.reset();
  last_lost_ = false;
  mark_ = clock_.mark();
}

}  // namespace openexec::simulation
