// SPDX-License-Identifier: Apache-2.0
// What has no entry of its own, by the model: each replay and each refusal without an entry is counted once, when it is
// answered or before, and the next summary tells it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "daemon/core/op.h"
#include "tests/simulation/findings.h"
#include "tests/simulation/history.h"
#include "tests/simulation/sim_clock.h"

namespace openexec::simulation {

class Counts {
 public:
  Counts(const SimClock& clock, Findings& findings) : clock_(clock), findings_(findings) {}

  // An answer that has no entry; no reason: a replay.
  void answered(std::uint32_t uid, std::optional<Reason> reason);
  // The engine asks for a summary. It must tell all that was answered, and nothing else.
  void asked(const Summary& op, bool stopping);
  void ended(bool recorded);
  // Its entry is durable.
  void entry(std::uint64_t index, const DeniedSummary& summary);
  // The engine was told to look at its window.
  void ticked(bool store_failed);
  // It says that it has stopped.
  void stopped(bool store_failed);
  // What was not told yet is lost, and that is less than two windows: the one that is open, and the one on its way.
  void process_died();

 private:
  using Key = std::pair<std::uint32_t, std::optional<Reason>>;
  struct Times {
    UtcTime low;
    UtcTime high;
  };
  [[nodiscard]] bool nothing_untold() const;
  void violate(std::string text) { findings_.violate(Promise::every_attempt_on_record, std::move(text)); }

  const SimClock& clock_;
  Findings& findings_;

  // Answered and in no summary.
  std::map<Key, std::int64_t> untold_;
  std::optional<Times> since_;  // between which the window began; nothing while nothing was answered in it
  std::size_t mark_ = 0;        // of the clock, when the last summary was taken
  std::optional<Summary> asked_;
  std::size_t entries_ = 0;  // of the summary that was asked for last
  bool last_lost_ = false;   // the last one was not recorded
};

}  // namespace openexec::simulation
