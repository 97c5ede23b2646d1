// SPDX-License-Identifier: Apache-2.0
// A token bucket for each uid: so many acts a second, and no more than one second's worth at once.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "proto-json/utc_time.h"

namespace openexec {

class UidBuckets {
 public:
  explicit UidBuckets(std::uint32_t per_second) : rate_(per_second) {}

  // Whether this uid may act now. Nobody else may while too many uids are about (limits::bucket_uids_max).
  [[nodiscard]] bool allows(std::uint32_t uid, UtcTime now);
  // It did. May be called without asking: what was over the rate is then paid back by those that follow.
  void spend(std::uint32_t uid, UtcTime now);

 private:
  struct Bucket {
    double tokens = 0;
    UtcTime filled;
  };
  Bucket* bucket(std::uint32_t uid, UtcTime now);

  const std::uint32_t rate_;
  std::unordered_map<std::uint32_t, Bucket> buckets_;
};

}  // namespace openexec
