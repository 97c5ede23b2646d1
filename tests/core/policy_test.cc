// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/policy.h"

#include "tests/support/catch.h"

namespace openexec {
namespace {

Caller caller(std::uint32_t uid, std::uint32_t gid, std::vector<std::uint32_t> groups = {}) {
  return {{uid, gid, 1}, std::move(groups)};
}

TEST_CASE("with no list of peers everybody whom the socket lets in may connect") {
  CHECK(may_connect(Policy(), caller(1234, 1234)));
}

TEST_CASE("with a list of peers only its users and groups, root and the daemon's own user may connect") {
  Policy policy;
  policy.allow_uids = {1000};
  policy.allow_gids = {2000};
  policy.own_uid = 990;
  CHECK(may_connect(policy, caller(1000, 1)));
  CHECK(may_connect(policy, caller(1, 2000)));
  CHECK(may_connect(policy, caller(1, 1, {5, 2000})));
  CHECK(may_connect(policy, caller(0, 0)));
  CHECK(may_connect(policy, caller(990, 990)));
  CHECK_FALSE(may_connect(policy, caller(1001, 1001)));
  CHECK_FALSE(may_connect(policy, caller(2000, 1000, {1000})));  // a group's number is no user's
}

TEST_CASE("a list of groups alone shuts out who is in none of them") {
  Policy policy;
  policy.own_uid = 990;
  policy.allow_gids = {2000};
  CHECK_FALSE(may_connect(policy, caller(1000, 1000)));
}

TEST_CASE("everybody's receipts are for readers, root and the daemon's own user") {
  Policy policy;
  policy.reader_uids = {1000};
  policy.own_uid = 990;
  CHECK(may_read_all(policy, caller(1000, 1)));
  CHECK(may_read_all(policy, caller(0, 0)));
  CHECK(may_read_all(policy, caller(990, 1)));
  CHECK_FALSE(may_read_all(policy, caller(1001, 1000, {1000})));
}

TEST_CASE("a tenant is any tenant only when it is the star") {
  Policy policy;
  CHECK_FALSE(policy.any_tenant());
  policy.tenant_id = "**";
  CHECK_FALSE(policy.any_tenant());
  policy.tenant_id = "*";
  CHECK(policy.any_tenant());
}

}  // namespace
}  // namespace openexec
