// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/uid_buckets.h"

#include <algorithm>

#include "proto-json/limits.h"

namespace openexec {
namespace {

double seconds_between(UtcTime from, UtcTime to) {
  return static_cast<double>(to.us - from.us) / static_cast<double>(us_per_s);
}

}  // namespace

// nullptr when too many uids are about.
UidBuckets::Bucket* UidBuckets::bucket(std::uint32_t uid, UtcTime now) {
  const double full = rate_;
  const auto found = buckets_.find(uid);
  if (found == buckets_.end()) {
    if (buckets_.size() >= limits::bucket_uids_max) {
      std::erase_if(buckets_, [&](const auto& each) {
        return each.second.tokens + seconds_between(each.second.filled, now) * full >= full;  // as good as new
      });
    }
    return buckets_.size() >= limits::bucket_uids_max ? nullptr : &(buckets_[uid] = {full, now});
  }
  Bucket& known = found->second;
  if (now > known.filled) {  // a clock set back gives nothing, and is taken as it is now
    known.tokens = std::min(full, known.tokens + seconds_between(known.filled, now) * full);
  }
  known.filled = now;
  return &known;
}

bool UidBuckets::allows(std::uint32_t uid, UtcTime now) {
  const Bucket* its = bucket(uid, now);
  return its != nullptr && its->tokens >= 1;
}

void UidBuckets::spend(std::uint32_t uid, UtcTime now) {
  if (Bucket* its = bucket(uid, now); its != nullptr) {
    its->tokens -= 1;
  }
}

}  // namespace openexec
