// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/approval_check.h"

#include "proto-json/approval.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::approved;
using test::clawshield_policy;
using test::noon;

ExecuteRequest echo_request() { return test::request("echo", R"({"msg":"hi"})", "n-1"); }

std::optional<Error> terms_error(const Policy& policy, const ExecuteRequest& request,
                                 const ExecuteRequest& signed_for) {
  const auto approval = read_clawshield_approval(*signed_for.approval_artifact);
  REQUIRE(approval.has_value());
  return check_terms(policy, test::attempt_of(policy, request), *approval);
}

TEST_CASE("an approval for this tenant and this request fits") {
  const ExecuteRequest request = approved(echo_request());
  CHECK_FALSE(terms_error(clawshield_policy(), request, request).has_value());
}

TEST_CASE("an approval for another tenant is refused in the seed's words") {
  const ExecuteRequest request = approved(echo_request(), {.tenant_id = "tenant-002"});
  const auto error = terms_error(clawshield_policy(), request, request);
  REQUIRE(error.has_value());
  CHECK(error->reason == Reason::approval_tenant_mismatch);
  CHECK(error->message == "Tenant mismatch: expected tenant-001, got tenant-002");
}

TEST_CASE("with no tenant configured every approval is for another one") {
  Policy policy = clawshield_policy();
  policy.tenant_id.reset();
  const ExecuteRequest request = approved(echo_request());
  const auto error = terms_error(policy, request, request);
  REQUIRE(error.has_value());
  CHECK(error->reason == Reason::approval_tenant_mismatch);
}

TEST_CASE("with any tenant allowed the approval names it") {
  Policy policy = clawshield_policy();
  policy.tenant_id = "*";
  const ExecuteRequest request = approved(echo_request(), {.tenant_id = "tenant-002"});
  CHECK_FALSE(terms_error(policy, request, request).has_value());
}

TEST_CASE("an approval for another action or payload is refused in the seed's words") {
  for (const ExecuteRequest& other :
       {test::request("add", R"({"msg":"hi"})", "n-1"), test::request("echo", R"({"msg":"ho"})", "n-1"),
        test::request("echo", R"({"msg":"hi","more":null})", "n-1")}) {
    const auto error = terms_error(clawshield_policy(), other, approved(echo_request()));
    REQUIRE(error.has_value());
    CHECK(error->reason == Reason::approval_mismatch);
    CHECK(error->message.starts_with("Action hash mismatch: approval does not match this request"));
  }
}

TEST_CASE("the tenant is looked at before the request") {
  const auto error = terms_error(clawshield_policy(), test::request("add", "{}", "n-1"),
                                 approved(echo_request(), {.tenant_id = "tenant-002"}));
  REQUIRE(error.has_value());
  CHECK(error->reason == Reason::approval_tenant_mismatch);
}

TEST_CASE("an approval is expired at the very microsecond of its expiry, with no skew") {
  const UtcTime expires = plus_s(noon(), 10);
  CHECK_FALSE(check_validity(noon(), expires, {expires.us - 1}, 30).has_value());
  const auto error = check_validity(noon(), expires, expires, 30);
  REQUIRE(error.has_value());
  CHECK(error->reason == Reason::approval_expired);
  CHECK(error->message.starts_with("Approval artifact expired"));
}

TEST_CASE("an approval may be issued ahead of our clock by the skew and no more") {
  const UtcTime issued = plus_s(noon(), 30);
  const UtcTime expires = plus_s(noon(), 300);
  CHECK_FALSE(check_validity(issued, expires, noon(), 30).has_value());
  const auto error = check_validity({issued.us + 1}, expires, noon(), 30);
  REQUIRE(error.has_value());
  CHECK(error->reason == Reason::approval_not_yet_valid);
  CHECK(check_validity(issued, expires, noon(), 0).has_value());
}

TEST_CASE("the errors that two places find say one thing") {
  CHECK(nonce_reused_error().reason == Reason::nonce_reused);
  CHECK(approval_used_error().reason == Reason::approval_used);
}

}  // namespace
}  // namespace openexec
