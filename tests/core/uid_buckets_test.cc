// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/uid_buckets.h"

#include "proto-json/limits.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

constexpr UtcTime start{1'000'000'000'000'000};

TEST_CASE("a second's worth of acts may come at once, and no more") {
  UidBuckets buckets(3);
  for (int i = 0; i < 3; ++i) {
    CHECK(buckets.allows(1, start));
    buckets.spend(1, start);
  }
  CHECK_FALSE(buckets.allows(1, start));
  CHECK(buckets.allows(2, start));
  CHECK(buckets.allows(1, plus_s(start, 1)));
  for (int i = 0; i < 3; ++i) {
    buckets.spend(1, plus_s(start, 100));
  }
  CHECK_FALSE(buckets.allows(1, plus_s(start, 100)));
}

TEST_CASE("what is spent without asking is paid back later") {
  UidBuckets buckets(1);
  for (int i = 0; i < 3; ++i) {
    buckets.spend(1, start);
  }
  CHECK_FALSE(buckets.allows(1, plus_s(start, 2)));
  CHECK(buckets.allows(1, plus_s(start, 3)));
}

TEST_CASE("a clock set back gives nothing and takes nothing") {
  UidBuckets buckets(1);
  buckets.spend(1, start);
  CHECK_FALSE(buckets.allows(1, plus_s(start, -50)));
  CHECK(buckets.allows(1, plus_s(start, -49)));
}

TEST_CASE("a rate of zero allows nothing") {
  UidBuckets buckets(0);
  CHECK_FALSE(buckets.allows(1, start));
  CHECK_FALSE(buckets.allows(1, plus_s(start, 1000)));
}

TEST_CASE("past the uids that can be known nobody new may act until one has rested") {
  UidBuckets buckets(1);
  for (std::uint32_t uid = 0; uid < limits::bucket_uids_max; ++uid) {
    buckets.spend(uid, start);
  }
  CHECK_FALSE(buckets.allows(1'000'000, start));
  CHECK(buckets.allows(1'000'000, plus_s(start, 1)));
}

}  // namespace
}  // namespace openexec
