// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/attempt.h"

#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

using test::approved;
using test::attempt_of;
using test::clawshield_policy;
using test::demo_policy;

ExecuteRequest echo_request() { return test::request("echo", R"({"msg":"hi"})", "n-1"); }

TEST_CASE("an attempt has the ids of the vectors") {
  for (const Json& item : vector_cases("execution-ids")) {
    const Json& tenant = member(item, "tenant_id");
    Policy policy = tenant.is_null() ? demo_policy() : clawshield_policy();
    if (!tenant.is_null()) {
      policy.tenant_id = *tenant.if_string();
    }
    ExecuteRequest request;
    request.action = string_member(item, "action");
    request.nonce = string_member(item, "nonce");
    request.payload = parsed(string_member(item, "payload"));
    CHECK(to_uuid_text(attempt_of(policy, request).id) == string_member(item, "id"));
  }
}

TEST_CASE("the action hash is that of the canonical request") {
  const Attempt attempt = attempt_of(demo_policy(), echo_request());
  CHECK(attempt.canonical == R"({"action":"echo","payload":{"msg":"hi"}})");
  CHECK(attempt.action_hash == sha256(attempt.canonical));
}

TEST_CASE("demo mode ignores the approval, its tenant too") {
  const Attempt with = attempt_of(demo_policy(), approved(echo_request()));
  const Attempt without = attempt_of(demo_policy(), echo_request());
  CHECK_FALSE(with.presented.has_value());
  CHECK_FALSE(with.approval.has_value());
  CHECK_FALSE(with.tenant_id.has_value());
  CHECK(with.fingerprint == without.fingerprint);
  CHECK(with.id == without.id);
}

TEST_CASE("in ClawShield mode the fingerprint holds the approval, and the nonce's claim key does not") {
  const Attempt with = attempt_of(clawshield_policy(), approved(echo_request()));
  const Attempt other = attempt_of(clawshield_policy(), approved(echo_request(), {.expires_s = 241}));
  const Attempt without = attempt_of(clawshield_policy(), echo_request());
  CHECK(with.fingerprint != other.fingerprint);
  CHECK(with.fingerprint != without.fingerprint);
  CHECK(with.claim_key == other.claim_key);
  CHECK(with.id == without.id);
}

TEST_CASE("members of an artifact that the seed ignores change nothing") {
  ExecuteRequest request = approved(echo_request());
  const Attempt plain = attempt_of(clawshield_policy(), request);
  Json::Object members = *request.approval_artifact->if_object();
  members.push_back({"comment", "please"});
  request.approval_artifact = Json::object(std::move(members));
  CHECK(attempt_of(clawshield_policy(), request).fingerprint == plain.fingerprint);
}

TEST_CASE("the peer and the trace id are no part of what a request is") {
  ExecuteRequest traced = echo_request();
  traced.trace_id = "t-1";
  CHECK(attempt_of(demo_policy(), traced, {1, 2, 3}).fingerprint ==
        attempt_of(demo_policy(), echo_request(), {4, 5, 6}).fingerprint);
}

TEST_CASE("the configured tenant counts and not the one that the approval names") {
  const Attempt attempt = attempt_of(clawshield_policy(), approved(echo_request(), {.tenant_id = "tenant-002"}));
  CHECK(attempt.tenant_id == "tenant-001");
}

TEST_CASE("with any tenant allowed each tenant has nonces of its own") {
  Policy policy = clawshield_policy();
  policy.tenant_id = "*";
  const Attempt one = attempt_of(policy, approved(echo_request(), {.tenant_id = "tenant-001"}));
  const Attempt two = attempt_of(policy, approved(echo_request(), {.tenant_id = "tenant-002"}));
  CHECK(one.tenant_id == "tenant-001");
  CHECK(two.tenant_id == "tenant-002");
  CHECK(one.claim_key != two.claim_key);
  CHECK_FALSE(attempt_of(policy, echo_request()).tenant_id.has_value());

  ExecuteRequest unnamed = echo_request();
  unnamed.approval_artifact = Json::object({{"tenant_id", "bad\nname"}});
  CHECK_FALSE(attempt_of(policy, unnamed).tenant_id.has_value());
}

TEST_CASE("an approval that is not verified stands in the receipt by its hash only") {
  const Attempt attempt = attempt_of(clawshield_policy(), approved(echo_request()));
  REQUIRE(attempt.approval.has_value());
  CHECK(attempt.approval->hash == presented_approval_hash(*attempt.presented));
  CHECK_FALSE(attempt.approval->id.has_value());
  CHECK(attempt.approval->key_ids.empty());
  CHECK(attempt.approval->approvers.empty());
}

TEST_CASE("a receipt has what its attempt has") {
  ExecuteRequest request = approved(echo_request());
  request.trace_id = "trace";
  const Attempt attempt = attempt_of(clawshield_policy(), request, {7, 8, 9});
  const Receipt receipt = receipt_of(attempt, ReceiptKind::started, test::noon());
  CHECK(receipt.kind == ReceiptKind::started);
  CHECK(receipt.at == test::noon());
  CHECK(receipt.mode == Mode::clawshield);
  CHECK(receipt.tenant_id == "tenant-001");
  CHECK(receipt.id == attempt.id);
  CHECK(receipt.action == "echo");
  CHECK(receipt.action_hash == attempt.action_hash);
  CHECK(receipt.nonce == "n-1");
  CHECK(receipt.approval == attempt.approval);
  CHECK(receipt.registry == test::test_registry().digest());
  CHECK(receipt.peer == Peer{7, 8, 9});
  CHECK(receipt.trace_id == "trace");
  CHECK(receipt_from_json(parse_json(to_leaf(receipt)).value()) == receipt);
}

}  // namespace
}  // namespace openexec
