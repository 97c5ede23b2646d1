// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/denial_meter.h"

#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::noon;

UtcTime after_us(std::int64_t us) { return {noon().us + us}; }

// How many of that many denials, all at once, get an entry.
int entered(DenialMeter& meter, std::uint32_t uid, int denials, UtcTime now) {
  int out = 0;
  for (int i = 0; i < denials; ++i) {
    if (meter.may_enter(uid, now)) {
      meter.entered(uid, now);
      ++out;
    }
  }
  return out;
}

TEST_CASE("a uid has one second's worth of entries at once, and then its rate") {
  DenialMeter meter(10);
  CHECK(entered(meter, 1000, 50, noon()) == 10);
  CHECK(entered(meter, 1000, 50, noon()) == 0);
  CHECK(entered(meter, 1000, 50, after_us(250'000)) == 2);
  CHECK(entered(meter, 1000, 50, after_us(1'250'000)) == 10);
  CHECK(entered(meter, 1000, 50, plus_s(noon(), 3600)) == 10);
}

TEST_CASE("one uid's flood takes nothing from another's") {
  DenialMeter meter(5);
  CHECK(entered(meter, 1, 100, noon()) == 5);
  CHECK(entered(meter, 2, 100, noon()) == 5);
}

TEST_CASE("a rate of 0 enters nothing") {
  DenialMeter meter(0);
  CHECK(entered(meter, 1, 10, noon()) == 0);
  CHECK(entered(meter, 1, 10, plus_s(noon(), 60)) == 0);
}

TEST_CASE("what was entered without asking is paid back") {
  DenialMeter meter(10);
  for (int i = 0; i < 25; ++i) {
    meter.entered(7, noon());
  }
  CHECK(entered(meter, 7, 10, plus_s(noon(), 1)) == 0);
  CHECK(entered(meter, 7, 10, plus_s(noon(), 2)) == 5);
}

TEST_CASE("a clock that is set back gives no entries, and does not stop them for ever") {
  DenialMeter meter(10);
  CHECK(entered(meter, 7, 10, noon()) == 10);
  CHECK(entered(meter, 7, 10, plus_s(noon(), -500)) == 0);
  CHECK(entered(meter, 7, 10, plus_s(noon(), -499)) == 10);
}

TEST_CASE("more uids than are known at one time are only counted, until the others have been quiet") {
  DenialMeter meter(2);
  for (std::uint32_t uid = 0; uid < limits::bucket_uids_max; ++uid) {
    CHECK(entered(meter, uid, 1, noon()) == 1);
  }
  CHECK(entered(meter, 99'999, 1, noon()) == 0);
  CHECK(entered(meter, 99'999, 1, plus_s(noon(), 1)) == 1);
}

TEST_CASE("what was counted comes out once, by uid and reason, in order") {
  DenialMeter meter(1);
  CHECK(meter.empty());
  meter.count(2, std::nullopt, noon());
  meter.count(2, Reason::approval_used, after_us(5));
  meter.count(1, Reason::overloaded, after_us(6));
  meter.count(2, Reason::approval_used, after_us(7));
  const Summary summary = meter.take();
  CHECK(summary.since == noon());
  CHECK(summary.rows == std::vector<DeniedSummary::Row>{
                            {1, Reason::overloaded, 1}, {2, Reason::approval_used, 2}, {2, std::nullopt, 1}});
  CHECK(meter.empty());
}

TEST_CASE("a window is over after its time, or when the clock went back behind its begin") {
  DenialMeter meter(1);
  CHECK_FALSE(meter.due(plus_s(noon(), 100'000)));
  meter.count(1, std::nullopt, noon());
  CHECK_FALSE(meter.due(plus_s(noon(), limits::summary_window_s - 1)));
  CHECK(meter.due(plus_s(noon(), limits::summary_window_s)));
  CHECK(meter.due(after_us(-1)));
}

TEST_CASE("a summary that could not be recorded counts on, from its own begin") {
  DenialMeter meter(1);
  meter.count(1, std::nullopt, noon());
  const Summary first = meter.take();
  meter.count(1, std::nullopt, plus_s(noon(), 5));
  meter.put_back(first);
  const Summary both = meter.take();
  CHECK(both.since == noon());
  CHECK(both.rows == std::vector<DeniedSummary::Row>{{1, std::nullopt, 2}});
  meter.put_back(both);
  CHECK(meter.take().since == noon());
}

TEST_CASE("a summary never has more rows than it may, and loses no count") {
  DenialMeter meter(1);
  std::uint64_t counted = 0;
  for (std::uint32_t uid = 0; uid < 1000; ++uid) {
    for (const std::optional<Reason> reason :
         {std::optional<Reason>(), std::optional(Reason::approval_used), std::optional(Reason::overloaded)}) {
      meter.count(uid, reason, noon());
      ++counted;
    }
  }
  const Summary summary = meter.take();
  CHECK(summary.rows.size() <= limits::summary_rows_max);
  std::uint64_t told = 0;
  for (const DeniedSummary::Row& row : summary.rows) {
    told += row.count;
  }
  CHECK(told == counted);
  CHECK_FALSE(summary.rows.back().uid.has_value());
  const DeniedSummary leaf{noon(), noon(), std::nullopt, Mode::demo, {}, summary.rows};
  const auto read = read_leaf(to_leaf(leaf));
  REQUIRE(read.has_value());
  CHECK(std::get<DeniedSummary>(*read) == leaf);
}

}  // namespace
}  // namespace openexec
