// SPDX-License-Identifier: Apache-2.0
#include "proto-json/error.h"

#include <cstdlib>
#include <set>
#include <string>

#include "tests/support/catch.h"

namespace openexec {
namespace {

struct Row {
  int code;
  std::string_view name;
  bool retryable;
};

// As callers know them. The list only grows: a row that changes breaks a caller.
constexpr Row published[] = {
    {-32700, "parse_error", false},
    {-32600, "invalid_request", false},
    {-32601, "method_not_found", false},
    {-32602, "invalid_params", false},
    {40001, "unknown_action", false},
    {40002, "payload_invalid", false},
    {40301, "action_not_allowed", false},
    {40302, "approval_required", false},
    {40303, "approval_mismatch", false},
    {40304, "approval_expired", false},
    {40305, "approval_not_yet_valid", true},
    {40306, "approval_signature_invalid", false},
    {40307, "approval_tenant_mismatch", false},
    {40308, "approval_used", false},
    {40311, "approval_malformed", false},
    {40320, "peer_not_allowed", false},
    {40401, "receipt_not_found", false},
    {40902, "outcome_unknown", false},
    {42201, "nonce_reused", false},
    {42901, "overloaded", true},
    {42902, "rate_limited", true},
    {50001, "internal", false},
    {50301, "halted", true},
    {50303, "store_unavailable", true},
    {50304, "shutting_down", true},
};

TEST_CASE("the error list is the published one, row for row") {
  REQUIRE(reasons().size() == std::size(published));
  for (std::size_t i = 0; i < std::size(published); ++i) {
    INFO(published[i].name);
    CHECK(reasons()[i].code == published[i].code);
    CHECK(reasons()[i].name == published[i].name);
    CHECK(reasons()[i].retryable == published[i].retryable);
  }
}

TEST_CASE("no two errors share a code, a name or a description") {
  std::set<int> codes;
  std::set<std::string_view> names;
  std::set<std::string_view> abouts;
  for (const ReasonInfo& row : reasons()) {
    INFO(row.name);
    CHECK(codes.insert(row.code).second);
    CHECK(names.insert(row.name).second);
    CHECK(abouts.insert(row.about).second);
    CHECK_FALSE(row.about.empty());
  }
}

TEST_CASE("a reason leads to its row, and a name to its reason") {
  for (const ReasonInfo& row : reasons()) {
    INFO(row.name);
    CHECK(&info(row.reason) == &row);
    CHECK(reason_named(row.name) == row.reason);
  }
  CHECK(reason_named("") == std::nullopt);
  CHECK(reason_named("approval_usedx") == std::nullopt);
  CHECK(reason_named("Approval_Used") == std::nullopt);
}

TEST_CASE("the first three digits of a code of ours are an HTTP status that says whether to try again") {
  const std::set<int> known = {400, 403, 404, 409, 422, 429, 500, 503};
  for (const ReasonInfo& row : reasons()) {
    INFO(row.name);
    if (row.code < 0) {
      CHECK(row.code >= -32768);  // the range that JSON-RPC keeps for itself
      CHECK(row.code <= -32000);
      continue;
    }
    const int status = row.code / 100;
    CHECK(known.contains(status));
    if (status == 429 || status == 503) {
      CHECK(row.retryable);
    }
  }
}

}  // namespace
}  // namespace openexec
