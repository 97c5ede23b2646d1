// SPDX-License-Identifier: Apache-2.0
// How often a uid may do something, by the model: have a denial entered, send a request. The engine looks at its clock
// now and then, and a clock that jumps makes what it gives depend on when it looked: the model keeps the most and the
// least that it may give.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "tests/simulation/findings.h"
#include "tests/simulation/sim_clock.h"

namespace openexec::simulation {

class UidRate {
 public:
  // `what` is for findings: "a denial".
  UidRate(std::string what, std::uint32_t per_second, const SimClock& clock, Findings& findings)
      : what_(std::move(what)), rate_(per_second), clock_(clock), findings_(findings) {}

  // The engine does it.
  void asked(std::uint32_t uid);
  // It asks for a claim, and says whether its denial would have an entry.
  void claim_asked(std::uint32_t uid, bool may_enter);
  // It was done after all. As many as are under way may be past the rate: each that follows waits for them.
  void spent(std::uint32_t uid);
  // The engine does not do it.
  void refused(std::uint32_t uid) { check_used_up(uid); }
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

  const std::string what_;
  const double rate_;
  const SimClock& clock_;
  Findings& findings_;
  std::map<std::uint32_t, Bucket> buckets_;
};

}  // namespace openexec::simulation
