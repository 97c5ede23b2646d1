// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/entry_rate.h"

#include <fmt/format.h>

#include <algorithm>

namespace openexec::simulation {
namespace {

constexpr double tolerance = 1e-6;  // of sums of fractions, made in another order

double seconds(std::int64_t us) { return static_cast<double>(us) / static_cast<double>(us_per_s); }

}  // namespace

EntryRate::Bucket& EntryRate::bucket(std::uint32_t uid) {
  const UtcTime now = clock_.now();
  const auto [found, added] = buckets_.try_emplace(uid, Bucket{rate_, rate_, clock_.forward_us(), now});
  Bucket& its = found->second;
  its.most = std::min(rate_, its.most + seconds(clock_.forward_us() - its.forward_us) * rate_);
  its.least = std::min(rate_, its.least + std::max(0.0, seconds(now.us - its.filled.us)) * rate_);
  its.forward_us = clock_.forward_us();
  its.filled = now;
  return its;
}

void EntryRate::check_may(std::uint32_t uid) {
  if (bucket(uid).most + tolerance < 1) {
    findings_.violate(Promise::every_attempt_on_record,
                      fmt::format("a denial of uid {} may have an entry past the rate", uid));
  }
}

void EntryRate::check_used_up(std::uint32_t uid) {
  findings_.count("denial past the rate");
  if (bucket(uid).least - tolerance >= 1) {
    findings_.violate(Promise::every_attempt_on_record,
                      fmt::format("a denial of uid {} has no entry, and the rate allows it", uid));
  }
}

void EntryRate::denial_asked(std::uint32_t uid) {
  check_may(uid);
  claim_denied(uid);
}

void EntryRate::claim_asked(std::uint32_t uid, bool may_enter) {
  if (may_enter) {
    check_may(uid);
  } else {
    check_used_up(uid);
  }
}

void EntryRate::claim_denied(std::uint32_t uid) {
  Bucket& its = bucket(uid);
  its.most -= 1;
  its.least -= 1;
}

}  // namespace openexec::simulation
