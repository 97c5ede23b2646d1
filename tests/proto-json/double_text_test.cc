// SPDX-License-Identifier: Apache-2.0
#include "proto-json/double_text.h"

#include <cstdlib>
#include <limits>

#include "tests/support/aborts.h"
#include "tests/support/catch.h"
#include "tests/support/random_json.h"

namespace openexec {
namespace {

std::string seed(double value) {
  std::string out;
  append_seed_double(out, value);
  return out;
}

std::string jcs(double value) {
  std::string out;
  append_jcs_double(out, value);
  return out;
}

struct Case {
  double value;
  std::string_view seed;
  std::string_view jcs;
};

TEST_CASE("floats are written as Python and as ECMAScript write them") {
  const Case cases[] = {
      {0.0, "0.0", "0"},
      {-0.0, "-0.0", "0"},
      {1.0, "1.0", "1"},
      {-1.5, "-1.5", "-1.5"},
      {100.0, "100.0", "100"},
      {0.1, "0.1", "0.1"},
      {0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"},
      {1234.5678, "1234.5678", "1234.5678"},
      // Where the layouts change.
      {0.001, "0.001", "0.001"},
      {0.0001, "0.0001", "0.0001"},
      {0.00012345, "0.00012345", "0.00012345"},
      {0.00001, "1e-05", "0.00001"},
      {0.000001, "1e-06", "0.000001"},
      {0.00000123, "1.23e-06", "0.00000123"},
      {0.0000001, "1e-07", "1e-7"},
      {1.5e-10, "1.5e-10", "1.5e-10"},
      {1e15, "1000000000000000.0", "1000000000000000"},
      {9999999999999998.0, "9999999999999998.0", "9999999999999998"},
      {1e16, "1e+16", "10000000000000000"},
      {12345678901234567.0, "1.2345678901234568e+16", "12345678901234568"},
      {1e20, "1e+20", "100000000000000000000"},
      {1e21, "1e+21", "1e+21"},
      {123456789012345680000.0, "1.2345678901234568e+20", "123456789012345680000"},
      {1e22, "1e+22", "1e+22"},
      {1e23, "1e+23", "1e+23"},
      {1e100, "1e+100", "1e+100"},
      {-1.5e300, "-1.5e+300", "-1.5e+300"},
      // The ends.
      {std::numeric_limits<double>::max(), "1.7976931348623157e+308", "1.7976931348623157e+308"},
      {std::numeric_limits<double>::min(), "2.2250738585072014e-308", "2.2250738585072014e-308"},
      {std::numeric_limits<double>::denorm_min(), "5e-324", "5e-324"},
      {-std::numeric_limits<double>::denorm_min(), "-5e-324", "-5e-324"},
      // RFC 8785, appendix B: shortest, and of the shortest the closest.
      {9007199254740992.0, "9007199254740992.0", "9007199254740992"},
      {295147905179352830000.0, "2.9514790517935283e+20", "295147905179352830000"},
      {9.999999999999997e22, "9.999999999999997e+22", "9.999999999999997e+22"},
      {999999999999999700000.0, "9.999999999999997e+20", "999999999999999700000"},
      {333333333.3333332, "333333333.3333332", "333333333.3333332"},
      {-0.0000033333333333333333, "-3.3333333333333333e-06", "-0.0000033333333333333333"},
      {1424953923781206.2, "1424953923781206.2", "1424953923781206.2"},
  };
  for (const Case& row : cases) {
    CHECK(seed(row.value) == row.seed);
    CHECK(jcs(row.value) == row.jcs);
  }
}

TEST_CASE("a float reads back from its text as the same double") {
  RandomJson random(7);
  for (int i = 0; i < 50000; ++i) {
    const double value = random.number();
    CHECK(std::strtod(seed(value).c_str(), nullptr) == value);
    CHECK(std::strtod(jcs(value).c_str(), nullptr) == value);
  }
}

TEST_CASE("infinity and NaN have no text") {
  for (const double value : {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(aborts([value] { static_cast<void>(seed(value)); }));
    CHECK(aborts([value] { static_cast<void>(jcs(value)); }));
  }
}

}  // namespace
}  // namespace openexec
