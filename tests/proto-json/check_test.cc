// SPDX-License-Identifier: Apache-2.0
#include "proto-json/check.h"

#include "tests/support/aborts.h"
#include "tests/support/catch.h"

TEST_CASE("a broken invariant aborts, one that holds does not") {
  CHECK(openexec::aborts([] { OPENEXEC_CHECK(1 + 1 == 3); }));
  CHECK_FALSE(openexec::aborts([] { OPENEXEC_CHECK(1 + 1 == 2); }));
}
