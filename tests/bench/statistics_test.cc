// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/statistics.h"

#include <vector>

#include "tests/bench/process_usage.h"
#include "tests/support/catch.h"

namespace openexec::bench {
namespace {

TEST_CASE("a percentile is a value that so many do not exceed") {
  std::vector<float> values;
  for (int i = 1; i <= 1000; ++i) {
    values.push_back(static_cast<float>(i));
  }
  CHECK(percentile(values, 0) == 1);
  CHECK(percentile(values, 0.5) == 500);
  CHECK(percentile(values, 0.99) == 990);
  CHECK(percentile(values, 0.999) == 999);
  CHECK(percentile(values, 1) == 1000);
  CHECK(percentile(std::vector<float>{7}, 0.5) == 7);
  CHECK(percentile(std::vector<float>{1, 2, 3}, 0.5) == 2);
  CHECK(percentile({}, 0.5) == 0);
}

TEST_CASE("a process's CPU time counts user, kernel and the children it waited for") {
  // Fields as in proc(5): 14 to 17 are utime, stime, cutime and cstime.
  CHECK(cpu_ticks_of("42 (openexecd) S 1 42 42 0 -1 4194560 901 20 3 4 1000 200 30 4 20 0 5 0 99 1\n") == 1234U);
  CHECK(cpu_ticks_of("42 (a) b (c) S 1 42 42 0 -1 4194560 901 20 3 4 1000 200 30 4 20 0 5 0 99 1\n") == 1234U);
  CHECK_FALSE(cpu_ticks_of("42 (openexecd) S 1 42 42 0 -1 4194560 901 20 3 4 1000 200 30").has_value());
  CHECK_FALSE(cpu_ticks_of("42 (openexecd) S 1 42 42 0 -1 4194560 901 20 3 4 1000 x 30 4 20 0 5").has_value());
  CHECK_FALSE(cpu_ticks_of("").has_value());
}

}  // namespace
}  // namespace openexec::bench
