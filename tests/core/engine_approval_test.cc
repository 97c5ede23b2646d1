// SPDX-License-Identifier: Apache-2.0
// ClawShield mode: every vector, each reason, one use.
#include <algorithm>

#include "daemon/core/engine.h"
#include "proto-json/approval.h"
#include "proto-json/crypto.h"
#include "proto-json/pem.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

using test::approved;
using test::Asked;
using test::clawshield_policy;
using test::request;
using test::World;

ExecuteRequest echo(std::string_view nonce, std::string_view payload = R"({"msg":"hi"})") {
  return request("echo", payload, nonce);
}
ExecuteRequest checked(ExecuteRequest request) {
  request.check = true;
  return request;
}
// The same request with one member of its artifact changed; an absent value takes it away.
ExecuteRequest with_member(ExecuteRequest request, std::string_view key, const std::optional<Json>& value) {
  Json::Object members = *request.approval_artifact->if_object();
  std::erase_if(members, [&](const Member& member) { return member.key == key; });
  if (value) {
    members.push_back({std::string(key), *value});
  }
  request.approval_artifact = Json::object(std::move(members));
  return request;
}

TEST_CASE("every ClawShield vector executes once, or is denied for its reason with an entry that says so") {
  std::size_t accepted = 0;
  std::size_t denied = 0;
  for (const Json& item : vector_cases("clawshield-v1")) {
    INFO(string_member(item, "name"));
    Policy policy = clawshield_policy();
    policy.tenant_id = string_member(item, "tenant_id");
    World world(policy, {}, from_text(string_member(item, "now")).value());
    const auto request = decode_execute(member(item, "request"));
    REQUIRE(request.has_value());
    const Asked first = world.ask(*request);
    const Asked again = world.ask(*request);
    if (bool_member(item, "accept")) {
      ++accepted;
      CHECK(member(item, "reason").is_null());
      CHECK_FALSE(first.result().replayed);
      CHECK(again.result().replayed);
      CHECK(again.result().receipt == first.result().receipt);
      REQUIRE(world.log_entries() == 1);
      const Receipt entry = world.log().at(0);
      CHECK(entry.kind == ReceiptKind::executed);
      CHECK(entry.approval->approvers == std::vector<std::string>{"ops"});
      CHECK(entry.approval->id == string_member(*request->approval_artifact, "approval_id"));
    } else {
      ++denied;
      const std::string& reason = string_member(item, "reason");
      CHECK(info(first.reason()).name == reason);
      CHECK(info(again.reason()).name == reason);
      REQUIRE(world.log_entries() == 2);
      for (const Receipt& entry : world.log()) {
        CHECK(entry.kind == ReceiptKind::denied);
        CHECK(info(*entry.reason).name == reason);
        CHECK(entry.nonce == request->nonce);
      }
      CHECK(first.refusal().receipt->index == 0);
    }
  }
  CHECK(accepted == 46);
  CHECK(denied == 20);
}

TEST_CASE("what an approval is refused for keeps the seed's words, and stands in the log") {
  struct Case {
    ExecuteRequest request;
    Reason reason;
    std::string starts;
    bool is_verified;  // only then the entry names the approval and its approver
  };
  const ExecuteRequest good = approved(echo("n"));
  const std::string zeros(88, 'A');
  const std::vector<Case> cases = {
      {echo("n"), Reason::approval_required, "ClawShield mode requires an approval artifact", false},
      {with_member(good, "expires_at", std::nullopt), Reason::approval_malformed, "Approval malformed: expires_at",
       false},
      {with_member(good, "approval_id", 7), Reason::approval_malformed, "Approval malformed: approval_id", false},
      {approved(echo("n"), {.expires_s = 86400}), Reason::approval_malformed, "Approval malformed: expires_at", false},
      {with_member(good, "signature", ""), Reason::approval_signature_invalid,
       "Invalid signature: approval artifact is not authentic", false},
      {with_member(good, "signature", zeros.substr(0, 86) + "=="), Reason::approval_signature_invalid,
       "Invalid signature: approval artifact is not authentic", false},
      {with_member(good, "tenant_id", "tenant-002"), Reason::approval_signature_invalid,
       "Invalid signature: approval artifact is not authentic", false},
      {approved(echo("n"), {.tenant_id = "tenant-002"}), Reason::approval_tenant_mismatch,
       "Tenant mismatch: expected tenant-001, got tenant-002", true},
      {approved(echo("n"), {.issued_s = -600, .expires_s = -1}), Reason::approval_expired, "Approval artifact expired",
       true},
      {approved(echo("n"), {.issued_s = 31}), Reason::approval_not_yet_valid, "The approval was issued", true}};
  for (const Case& item : cases) {
    INFO(item.starts);
    World world(clawshield_policy());
    const Asked asked = world.ask(item.request);
    CHECK(asked.reason() == item.reason);
    CHECK(asked.refusal().error.message.starts_with(item.starts));
    const Receipt entry = world.log().at(0);
    CHECK(entry.reason == item.reason);
    CHECK(entry.approval.has_value() == item.request.approval_artifact.has_value());
    if (entry.approval) {
      CHECK(entry.approval->id.has_value() == item.is_verified);
      CHECK(entry.approval->key_ids.size() == (item.is_verified ? 1 : 0));
    }
  }
}

TEST_CASE("an approval for another request is refused in the seed's words") {
  World world(clawshield_policy());
  ExecuteRequest request = approved(echo("n"));
  request.payload = test::json(R"({"msg":"ho"})");
  const Asked asked = world.ask(request);
  CHECK(asked.reason() == Reason::approval_mismatch);
  CHECK(asked.refusal().error.message.starts_with("Action hash mismatch: approval does not match this request"));
}

TEST_CASE("the action is looked at before the approval") {
  World world(clawshield_policy());
  CHECK(world.ask(request("ghost", "{}", "n")).reason() == Reason::unknown_action);
  CHECK(world.ask(request("add", R"({"a":"1"})", "n")).reason() == Reason::payload_invalid);
  CHECK(world.verifier().total() == 0);
}

TEST_CASE("a caller without an approval is told exactly what must be signed") {
  World world(clawshield_policy());
  const Refusal refusal = world.ask(request("add", R"({"b":1.0,"a":"é"})", "m")).refusal();
  CHECK_FALSE(refusal.canonical.has_value());  // refused for its payload: nobody should sign that
  const Refusal required = world.ask(echo("n", R"({"b":1.0,"a":"é"})")).refusal();
  CHECK(required.error.reason == Reason::approval_required);
  CHECK(required.canonical == R"({"action":"echo","payload":{"a":"\u00e9","b":1.0}})");
  CHECK(required.action_hash == sha256(*required.canonical));
  CHECK(required.receipt->index == 1);
}

TEST_CASE("one approval runs one execution, whatever the nonce") {
  World world(clawshield_policy());
  CHECK_FALSE(world.ask(approved(echo("n"))).result().replayed);
  const Asked second = world.ask(approved(echo("m")));
  CHECK(second.reason() == Reason::approval_used);
  CHECK(world.log().at(1).reason == Reason::approval_used);
  CHECK(world.ask(approved(echo("n"))).result().replayed);
}

TEST_CASE("one approval under many nonces at once runs one execution") {
  World world(clawshield_policy());
  std::vector<Asked> asked;
  for (int i = 0; i < 50; ++i) {
    asked.push_back(world.send(approved(echo(std::to_string(i)))));
  }
  world.settle();
  const auto ran = std::ranges::count_if(
      asked, [](const Asked& one) { return std::holds_alternative<ExecuteResult>(one.answer()); });
  CHECK(ran == 1);
  CHECK(std::holds_alternative<ExecuteResult>(asked[0].answer()));
  for (std::size_t i = 1; i < asked.size(); ++i) {
    CHECK(asked[i].reason() == Reason::approval_used);
  }
  CHECK(world.log_entries() == 50);
}

TEST_CASE("an approval that expires between its check and the commit is denied at the commit") {
  World world(clawshield_policy());
  const Asked asked = world.send(approved(echo("n"), {.expires_s = 10}));
  world.verifier().step();
  CHECK(world.committer().queued() == 1);
  world.clock().advance_s(10);
  world.settle();
  CHECK(asked.reason() == Reason::approval_expired);
  CHECK(world.log().at(0).reason == Reason::approval_expired);
}

TEST_CASE("an approval that has expired since still fetches its stored result, and nobody else gets it") {
  World world(clawshield_policy());
  const ExecuteRequest good = approved(echo("n"));
  world.ask(good);
  world.clock().advance_s(100000);
  CHECK(world.ask(good).result().replayed);
  CHECK(world.ask(echo("n")).reason() == Reason::nonce_reused);
  CHECK(world.ask(with_member(good, "signature", "x")).reason() == Reason::nonce_reused);
  CHECK(world.ask(request("ghost", "{}", "n")).reason() == Reason::nonce_reused);
}

TEST_CASE("an overloaded daemon burns no approval") {
  Policy policy = clawshield_policy();
  policy.runs_max = 1;
  policy.queued_max = 0;
  World world(policy);
  const ExecuteRequest one = approved(request(test::effect_action, "{}", "a"));
  const ExecuteRequest two =
      approved(request(test::effect_action, "{}", "b"), {.approval_id = "67203e9d-7af3-4cec-b702-b95666250b1d"});
  world.ask(one);
  CHECK(world.ask(two).reason() == Reason::overloaded);
  world.runner().finish();
  world.settle();
  const Asked later = world.ask(two);
  world.runner().finish();
  world.settle();
  CHECK(later.result().status == ReceiptKind::executed);
}

TEST_CASE("a check looks at the approval too, and uses nothing up") {
  World world(clawshield_policy());
  CHECK(world.ask(checked(echo("n"))).check().denial->reason == Reason::approval_required);
  CHECK(world.ask(checked(approved(echo("n")))).check().would == "execute");
  CHECK(world.ask(checked(approved(echo("n"), {.issued_s = -9, .expires_s = -1}))).check().denial->reason ==
        Reason::approval_expired);
  CHECK(world.committer().total() == 0);
  CHECK_FALSE(world.ask(approved(echo("n"))).result().replayed);
  CHECK(world.ask(checked(approved(echo("m")))).check().denial->reason == Reason::approval_used);
  CHECK(world.ask(checked(approved(echo("n")))).check().would == "replay");
  CHECK(world.committer().total() == 1);
}

TEST_CASE("requests whose signatures are being checked are refused when the daemon stops, and burn nothing") {
  World world(clawshield_policy());
  const Asked asked = world.send(approved(echo("n")));
  int stopped = 0;
  world.engine().stop([&] { ++stopped; });
  CHECK(stopped == 0);
  world.settle();
  CHECK(asked.reason() == Reason::shutting_down);
  CHECK(stopped == 1);
  CHECK(world.log_entries() == 0);
  world.crash();
  CHECK_FALSE(world.ask(approved(echo("n"))).result().replayed);
}

TEST_CASE("with any tenant allowed, tenants share neither nonces nor approval ids") {
  Policy policy = clawshield_policy();
  policy.tenant_id = "*";
  World world(policy);
  const Asked one = world.ask(approved(echo("n"), {.tenant_id = "tenant-001"}));
  const Asked two = world.ask(approved(echo("n"), {.tenant_id = "tenant-002"}));
  CHECK_FALSE(one.result().replayed);
  CHECK_FALSE(two.result().replayed);
  CHECK(one.result().id != two.result().id);
}

TEST_CASE("the same request on two hosts has one id and one receipt") {
  World one(clawshield_policy());
  World two(clawshield_policy());
  two.ask(approved(echo("before"), {.approval_id = "67203e9d-7af3-4cec-b702-b95666250b1d"}));
  const Asked here = one.ask(approved(echo("n")));
  const Asked there = two.ask(approved(echo("n")));
  CHECK(here.result().id == there.result().id);
  CHECK(here.result().receipt == there.result().receipt);
  CHECK(here.result().result == there.result().result);
}

}  // namespace
}  // namespace openexec
