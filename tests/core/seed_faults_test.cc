// SPDX-License-Identifier: Apache-2.0
// Faults of the seed system: each a test that shows that it cannot happen here.
#include "daemon/core/engine.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::approved;
using test::Asked;
using test::clawshield_policy;
using test::request;
using test::World;

ExecuteRequest effect(std::string_view nonce, std::string_view payload = "{}") {
  return request(test::effect_action, payload, nonce);
}

TEST_CASE("seed fault 1: 16 concurrent requests with one nonce have one effect") {
  World world(clawshield_policy());
  std::vector<Asked> asked;
  for (int i = 0; i < 16; ++i) {
    asked.push_back(world.send(approved(effect("n"))));
  }
  world.settle();
  world.runner().finish();
  world.settle();
  CHECK(world.runner().effects() == 1);
  for (const Asked& one : asked) {
    CHECK(one.result().id == asked[0].result().id);
    CHECK(one.result().replayed == (&one != asked.data()));
  }
}

TEST_CASE("seed fault 2: one approval with 50 nonces runs once") {
  World world(clawshield_policy());
  for (int i = 0; i < 50; ++i) {
    const Asked asked = world.ask(approved(effect(std::to_string(i))));
    if (i == 0) {
      world.runner().finish();
      world.settle();
      CHECK(asked.result().status == ReceiptKind::executed);
    } else {
      CHECK(asked.reason() == Reason::approval_used);
    }
  }
  CHECK(world.runner().effects() == 1);
}

TEST_CASE("seed fault 3: a known nonce with another action or payload does not get the old result") {
  World world(clawshield_policy());
  world.ask(approved(request("echo", R"({"a":1})", "n")));
  const test::ApprovalChoice second = {.approval_id = "67203e9d-7af3-4cec-b702-b95666250b1d"};
  CHECK(world.ask(approved(request("echo", R"({"a":2})", "n"), second)).reason() == Reason::nonce_reused);
  CHECK(world.ask(approved(request("add", R"({"a":1})", "n"), second)).reason() == Reason::nonce_reused);
}

TEST_CASE("seed fault 4: a caller with no approval and an unknown action is not approved by a known nonce") {
  World world(clawshield_policy());
  world.ask(approved(request("echo", "{}", "n")));
  CHECK(world.ask(request("ghost", "{}", "n")).reason() == Reason::nonce_reused);
  CHECK(world.ask(request("echo", "{}", "n")).reason() == Reason::nonce_reused);
}

TEST_CASE("seed fault 5: bytes moved between the tenant and the approval id do not stay signed") {
  const ExecuteRequest good = approved(request("echo", "{}", "n"), {.tenant_id = "1tenant-001"});
  const Json& artifact = *good.approval_artifact;
  const auto moved = [&](std::string approval_id, std::string tenant_id) {
    ExecuteRequest out = good;
    Json::Object members = *artifact.if_object();
    for (Member& member : members) {
      if (member.key == "approval_id") {
        member.value = approval_id;
      } else if (member.key == "tenant_id") {
        member.value = tenant_id;
      }
    }
    out.approval_artifact = Json::object(std::move(members));
    return out;
  };
  const std::string id = *artifact.find_string("approval_id");
  World world(clawshield_policy());
  CHECK(world.ask(good).reason() == Reason::approval_tenant_mismatch);
  CHECK(world.ask(moved(id + "1", "tenant-001")).reason() == Reason::approval_malformed);
  CHECK(world.ask(moved(id.substr(1) + "1", "tenant-001")).reason() == Reason::approval_malformed);
}

TEST_CASE("seed fault 6: a receipt for an execution that never happened is in no log") {
  // Anybody can compute the seed's hash; an entry of the log is what nobody can make up.
  World world;
  const Asked asked = world.ask(request("echo", "{}", "n"));
  const ExecutionId never = test::attempt_of(test::demo_policy(), request("echo", "{}", "m")).id;
  const Hash made_up = seed_receipt(to_uuid_text(never), R"({"echo": {}})");
  for (const Receipt& entry : world.log()) {
    CHECK(entry.id != never);
    CHECK(entry.receipt != made_up);
  }
  CHECK(world.log().at(asked.result().log.index).receipt == asked.result().receipt);
}

TEST_CASE("seed fault 7: a crash at any step of a run never lets the retry run it again") {
  enum class Crash { asked, durable, running, ended, recorded };
  for (const Crash at : {Crash::asked, Crash::durable, Crash::running, Crash::ended, Crash::recorded}) {
    World world;
    world.send(effect("n"));
    if (at >= Crash::durable) {
      world.committer().make_durable();
    }
    if (at >= Crash::running) {
      world.committer().deliver();
    }
    if (at >= Crash::ended) {
      world.runner().finish();
    }
    if (at >= Crash::recorded) {
      world.committer().make_durable();
    }
    world.crash();
    const Asked again = world.ask(effect("n"));
    if (at == Crash::asked) {
      world.runner().finish();
      world.settle();
      CHECK_FALSE(again.result().replayed);
    } else if (at == Crash::recorded) {
      CHECK(again.result().replayed);
    } else {
      CHECK(again.reason() == Reason::outcome_unknown);
    }
    CHECK(world.runner().effects() == (at == Crash::durable ? 0 : 1));
  }
}

TEST_CASE("seed fault 8: a failed run and a denied attempt leave their entries, and the retry does not run") {
  World world;
  world.ask(effect("n"));
  world.runner().finish({ReceiptKind::failed, R"({"error": "x"})", 1});
  world.settle();
  const Asked again = world.ask(effect("n"));
  CHECK(again.result().status == ReceiptKind::failed);
  CHECK(again.result().replayed);
  world.ask(request("ghost", "{}", "m"));
  CHECK(world.runner().effects() == 1);
  const auto log = world.log();
  REQUIRE(log.size() == 3);
  CHECK(log[0].kind == ReceiptKind::started);
  CHECK(log[1].kind == ReceiptKind::failed);
  CHECK(log[2].kind == ReceiptKind::denied);
}

TEST_CASE("seed fault 9: a tenant that is not set is no tenant that matches") {
  Policy policy = clawshield_policy();
  policy.tenant_id.reset();
  World world(policy);
  CHECK(world.ask(approved(request("echo", "{}", "n"))).reason() == Reason::approval_tenant_mismatch);
}

TEST_CASE("seed fault 10: one request has one id and one receipt on every host") {
  World one;
  World two;
  two.clock().advance_s(12345);
  const ExecuteRequest same = request("add", R"({"a":0.1,"b":0.2})", "n");
  CHECK(one.ask(same).result().id == two.ask(same).result().id);
  CHECK(one.ask(same).result().receipt == two.ask(same).result().receipt);
}

}  // namespace
}  // namespace openexec
