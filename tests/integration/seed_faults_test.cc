// SPDX-License-Identifier: Apache-2.0
// Ten faults of the system that this one replaces (docs/compatibility.md), each reproduced by running it. Here each is
// a promise, kept by the real daemon over its real socket.
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/approval.h"
#include "proto-json/encoding.h"
#include "proto-json/message.h"
#include "proto-json/receipt.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

// A daemon with an action whose effects are counted.
struct Counted {
  Effects effects;
  TestDaemon daemon;

  explicit Counted(DaemonOptions options) : daemon(with(std::move(options), effects)) {}
  static DaemonOptions with(DaemonOptions options, const Effects& effects) {
    options.env.push_back(effects.env());
    return options;
  }
};

TEST_CASE("seed fault 1: concurrent requests with one nonce run once", "[seed-faults]") {
  // 16 at once left 15 effects.
  Counted counted(demo_daemon(openexecd_faults_path()));
  std::vector<AgentSocket> sockets;
  for (int i = 0; i < 16; ++i) {
    sockets.emplace_back(counted.daemon.socket());
  }
  call(sockets.back(), "info");
  REQUIRE(::kill(counted.daemon.pid(), SIGSTOP) == 0);
  for (AgentSocket& socket : sockets) {
    socket.send_line(encode_request(1, "execute", execute_params("test.count", tag_payload("refund"), "n-1")));
  }
  REQUIRE(::kill(counted.daemon.pid(), SIGCONT) == 0);
  int ran = 0;
  for (AgentSocket& socket : sockets) {
    ran += Answer{socket.read_json()}.replayed() ? 0 : 1;
  }
  CHECK(ran == 1);
  CHECK(counted.effects.count("refund") == 1);
}

TEST_CASE("seed fault 2: one approval runs one execution, whatever the nonce", "[seed-faults]") {
  // 50 nonces under one approval left 50 effects.
  Counted counted(clawshield_daemon(openexecd_faults_path()));
  AgentSocket socket(counted.daemon.socket());
  const Json payload = tag_payload("refund");
  const Json approval = Approver::trusted().approve("test.count", payload);
  REQUIRE_FALSE(execute(socket, "test.count", payload, "n-0", approval).replayed());
  for (int i = 1; i < 50; ++i) {
    REQUIRE(execute(socket, "test.count", payload, "n-" + std::to_string(i), approval).reason() == "approval_used");
  }
  // The same UUID in capitals is no other approval, and neither is a new signature for the same one.
  ApprovalChoices same_id;
  same_id.approval_id = string_member(approval, "approval_id");
  same_id.expires_s = 300;
  REQUIRE(execute(socket, "test.count", payload, "n-50", Approver::trusted().approve("test.count", payload, same_id))
              .reason() == "approval_used");
  for (char& c : same_id.approval_id) {
    c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  REQUIRE(execute(socket, "test.count", payload, "n-51", Approver::trusted().approve("test.count", payload, same_id))
              .reason() == "approval_used");
  CHECK(counted.effects.count("refund") == 1);
}

TEST_CASE("seed fault 3: a known nonce with another action or payload is refused and gets no old result",
          "[seed-faults]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket socket(daemon.socket());
  REQUIRE(execute(socket, "echo", tag_payload("secret"), "n-1").succeeded());
  for (const Answer& answer :
       {execute(socket, "add", parsed(R"({"a":1})"), "n-1"), execute(socket, "echo", tag_payload("other"), "n-1"),
        execute(socket, "echo", Json::object({}), "n-1")}) {
    CHECK(answer.reason() == "nonce_reused");
    CHECK(answer.reply.find("result") == nullptr);
  }
}

TEST_CASE("seed fault 4: who shows no approval gets no stored result and no approved true", "[seed-faults]") {
  const TestDaemon daemon(clawshield_daemon());
  AgentSocket socket(daemon.socket());
  const Json payload = tag_payload("secret");
  const Json approval = Approver::trusted().approve("echo", payload);
  REQUIRE(execute(socket, "echo", payload, "n-1", approval).succeeded());
  // An unknown action with no approval was answered with the stored result.
  CHECK(execute(socket, "no.such.action", Json::object({}), "n-1").reason() == "nonce_reused");
  CHECK(execute(socket, "echo", payload, "n-1").reason() == "nonce_reused");
  CHECK(execute(socket, "echo", payload, "n-1", Approver::other().approve("echo", payload)).reason() == "nonce_reused");
  // Who shows it does get it.
  CHECK(execute(socket, "echo", payload, "n-1", approval).replayed());
}

TEST_CASE("seed fault 5: bytes moved between the tenant and the approval id make no other approval", "[seed-faults]") {
  const Json payload = tag_payload("x");
  const Json approval = Approver::trusted().approve("echo", payload);
  const std::string& id = string_member(approval, "approval_id");
  const std::string& tenant = string_member(approval, "tenant_id");
  // The signature is over id ‖ tenant ‖ …, with nothing between them: each of these has the same signed bytes.
  struct Moved {
    std::string id;
    std::string tenant;
  };
  for (const Moved& moved : {Moved{id.substr(0, id.size() - 1), id.back() + tenant},
                             Moved{id + tenant[0], tenant.substr(1)}, Moved{id.substr(0, 1), id.substr(1) + tenant}}) {
    INFO("tenant " << moved.tenant);
    const TestDaemon daemon(clawshield_daemon(openexecd_path(), moved.tenant));
    AgentSocket socket(daemon.socket());
    const Json artifact = with_member(with_member(approval, "approval_id", moved.id), "tenant_id", moved.tenant);
    CHECK(execute(socket, "echo", payload, "n-1", artifact).reason() == "approval_malformed");
    // And for the tenant it was not signed for it is refused as it is.
    CHECK(execute(socket, "echo", payload, "n-1", approval).reason() == "approval_tenant_mismatch");
  }
}

TEST_CASE("seed fault 6: a receipt of an execution that never happened is not in the log", "[seed-faults]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket socket(daemon.socket());
  // The seed's receipt is a hash of public values: anyone can make one that fits, for anything.
  const std::string id = "12345678-1234-8234-8234-123456789abc";
  const std::string result = R"({"echo": "never happened"})";
  const std::string forged = to_hex(seed_receipt(id, result).view());
  const Answer fits =
      call(socket, "receipts/verify", Json::object({{"exec_id", id}, {"result", result}, {"receipt", forged}}));
  REQUIRE(bool_member(fits.result(), "valid"));  // it says that hash and text belong together, and no more
  // Whether it happened is a matter of the log.
  CHECK(call(socket, "receipts/get", Json::object({{"id", id}})).reason() == "receipt_not_found");
  CHECK(log_of(socket).empty());

  const Answer real = execute(socket, "echo", tag_payload("x"), "n-1");
  const Answer entry = call(socket, "receipts/get", Json::object({{"id", real.id()}}));
  CHECK(string_member(member(entry.result(), "receipt"), "receipt") == real.receipt());
}

TEST_CASE("seed fault 7: kill -9 in the handler, or between handler and commit, never lets a retry run it again",
          "[seed-faults]") {
  const std::string point = GENERATE("run.before", "run.after");
  Effects effects;
  DaemonOptions options = demo_daemon(openexecd_faults_path());
  options.env = {effects.env(), "OPENEXEC_FAULT=" + point};
  TestDaemon daemon(options);
  {
    AgentSocket socket(daemon.socket());
    socket.send_line(encode_request(1, "execute", execute_params("test.count", tag_payload("refund"), "n-1")));
    REQUIRE(socket.at_end());
  }
  REQUIRE(daemon.wait().signal == SIGKILL);
  const std::size_t before = effects.count("refund");
  REQUIRE(before == (point == "run.after" ? 1 : 0));
  daemon.options().env = {effects.env()};
  daemon.start();
  AgentSocket socket(daemon.socket());
  for (int i = 0; i < 3; ++i) {
    CHECK(execute(socket, "test.count", tag_payload("refund"), "n-1").reason() == "outcome_unknown");
  }
  CHECK(effects.count("refund") == before);
}

TEST_CASE("seed fault 8: a failure and a denial are on record, and a retry does not run what failed", "[seed-faults]") {
  Counted counted(demo_daemon(openexecd_faults_path()));
  AgentSocket socket(counted.daemon.socket());
  const Answer failed = execute(socket, "test.fail", tag_payload("refund"), "n-1");
  REQUIRE(string_member(failed.result(), "status") == "failed");
  const Answer again = execute(socket, "test.fail", tag_payload("refund"), "n-1");
  CHECK(again.replayed());
  CHECK(without_replayed(again) == without_replayed(failed));
  CHECK(counted.effects.count("refund") == 1);
  CHECK(execute(socket, "no.such.action", Json::object({}), "n-2").reason() == "unknown_action");

  std::vector<std::string> kinds;
  for (const Json& receipt : log_of(socket)) {
    kinds.push_back(string_member(receipt, "kind"));
  }
  CHECK(kinds == std::vector<std::string>{"started", "failed", "denied"});
}

TEST_CASE("seed fault 9: an expiry with Z or an offset is read, and no tenant means no start", "[seed-faults]") {
  const TestDaemon daemon(clawshield_daemon());
  AgentSocket socket(daemon.socket());
  const Json payload = tag_payload("x");
  const Approver approver = Approver::trusted();
  const auto with_suffix = [&](std::string_view suffix, std::int64_t shift_s) {
    ApprovalChoices choices;
    choices.issued_s = shift_s - 60;
    choices.expires_s = shift_s + 240;
    Json artifact = approver.approve("echo", payload, choices);
    std::string message = string_member(artifact, "approval_id") + string_member(artifact, "tenant_id") +
                          string_member(artifact, "action_hash");
    for (const std::string_view name : {"issued_at", "expires_at"}) {
      std::string time = string_member(artifact, name);
      time.pop_back();  // Z
      artifact = with_member(artifact, name, time + std::string(suffix));
      message += time + std::string(suffix);
    }
    return with_member(artifact, "signature", approver.sign(message));
  };
  CHECK(execute(socket, "echo", payload, "n-1", with_suffix("Z", 0)).succeeded());
  CHECK(execute(socket, "echo", payload, "n-2", with_suffix("", 0)).succeeded());
  CHECK(execute(socket, "echo", payload, "n-3", with_suffix("+02:00", 7200)).succeeded());
  CHECK(execute(socket, "echo", payload, "n-4", with_suffix("-05:30", -19800)).succeeded());
  CHECK(execute(socket, "echo", payload, "n-5", with_suffix("+02:00", 0)).reason() == "approval_expired");

  const TempDir dir;
  const Completed untenanted =
      run({.argv = {openexecd_path(), "--socket", (dir / "socket").string()},
           .env = {"OPENEXEC_MODE=clawshield", "CLAWSHIELD_PUBLIC_KEY=" + approver.public_key_pem(),
                   "OPENEXEC_DB_URL=lmdb://" + (dir / "state").string()}});
  CHECK(untenanted.exit_code == 2);
  CHECK(untenanted.err.find("CLAWSHIELD_TENANT_ID") != std::string::npos);
}

TEST_CASE("seed fault 10: the same request has the same id and the same receipt on every host", "[seed-faults]") {
  const TestDaemon first(demo_daemon());
  const TestDaemon second(demo_daemon());
  AgentSocket one(first.socket());
  AgentSocket other(second.socket());
  const Answer a = execute(one, "echo", tag_payload("x"), "n-1");
  const Answer b = execute(other, "echo", tag_payload("x"), "n-1");
  CHECK(a.id() == b.id());
  CHECK(a.receipt() == b.receipt());
  CHECK(execute(other, "echo", tag_payload("x"), "n-2").id() != a.id());
}

}  // namespace
}  // namespace openexec::test
