// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/uid_rate.h"

#include <fmt/format.h>

#include <algorithm>

namespace openexec::simulation {
namespace {

constexpr double tolerance = 1e-6;  // of sums of fractions, made in another order

double seconds(std::int64_t us) { return static_cast<double>(us) / static_cast<double>(us_per_s); }

}  // namespace

UidRate::Bucket& UidRate::bucket(std::uint32_t uid) {
  const UtcTime now = clock_.now();
  const auto [found, added] = buckets_.try_emplace(uid, Bucket{rate_, rate_, clock_.forward_us(), now});
  Bucket& its = found->second;
  its.most = std::min(rate_, its.most + seconds(clock_.forward_us() - its.forward_us) * rate_);
  its.least = std::min(rate_, its.least + std::max(0.0, seconds(now.us - its.filled.us)) * rate_);
  its.forward_us = clock_.forward_us();
  its.filled = now;
  return its;
}

void UidRate::check_may(std::uint32_t uid) {
  if (bucket(uid).most + tolerance < 1) {
    findings_.violate(Promise::every_attempt_on_record, fmt::format("{} of uid {} is past the rate", what_, uid));
  }
}

void UidRate::check_used_up(std::uint32_t uid) {
  findings_.count(what_ + " past the rate");
  if (bucket(uid).least - tolerance >= 1) {
    findings_.violate(Promise::every_attempt_on_record,
                      fmt::format("{} of uid {} is refused, and the rate allows it", what_, uid));
  }
}

void UidRate::asked(std::uint32_t uid) {
  check_may(uid);
  spent(uid);
}

void UidRate::claim_asked(std::uint32_t uid, bool may_enter) {
  if (may_enter) {
    check_may(uid);
  } else {
    check_used_up(uid);
  }
}

void UidRate::spent(std::uint32_t uid) {
  Bucket& its = bucket(uid);
  its.most -= 1;
  its.least -= 1;
}

}  // namespace openexec::simulation
