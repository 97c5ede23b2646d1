// SPDX-License-Identifier: Apache-2.0
// How many denials of a uid may have an entry, by the model. The engine looks at its clock now and then, and a clock
// that jumps makes what it gives depend on when it looked: the model keeps the most and the least that it may give.
#pragma once

#include <cstdint>
#include <map>

#include "tests/simulation/findings.h"
#include "tests/simulation/sim_clock.h"

namespace openexec::simulation {

class EntryRate {
 public:
  EntryRate(std::uint32_t per_second, const SimClock& clock, Findings& findings)
      : rate_(per_second), clock_(clock), findings_(findings) {}

  // The engine asks for a denial's entry.
  void denial_asked(std::uint32_t uid);
  // It asks for a claim, and says whether its denial would have an entry.
  void claim_asked(std::uint32_t uid, bool may_enter);
  // That denial has an entry. As many as are under way may be past the rate: each that follows waits for them.
  void claim_denied(std::uint32_t uid);
  // It refuses with no entry, and has asked for none.
  void not_entered(std::uint32_t uid) { check_used_up(uid); }
  void process_died() { buckets_.clear(); }

 private:
  struct Bucket {
    double most = 0;
    double least = 0;
    std::int64_t forward_us = 0;  // of the clock, when `most` was filled
    UtcTime filled;               // when `least` was
  };
  Bucket& bucket(std::uint32_t uid);
  void check_may(std::uint32_t uid);
  void check_used_up(std::uint32_t uid);

  const double rate_;
  const SimClock& clock_;
  Findings& findings_;
  std::map<std::uint32_t, Bucket> buckets_;
};

}  // namespace openexec::simulation
