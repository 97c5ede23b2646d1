// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/service.h"

#include "daemon/core/big_endian.h"
#include "proto-json/encoding.h"
#include "tests/core/served.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

using test::CommitFailure;
using test::open_policy;
using test::Served;
using test::World;

bool warns(const Json& health, std::string_view word) {
  for (const Json& warning : *member(health, "warnings").if_array()) {
    if (warning.if_string()->find(word) != std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST_CASE("info and version say what this is") {
  Served served;
  CHECK(served.result("info") == Json::object({{"service", "OpenExec"}, {"status", "running"}, {"version", "0.1.0"}}));
  CHECK(served.result("version") ==
        Json::object({{"version", "0.1.0"}, {"timestamp", "2026-11-21T12:00:00"}, {"protocol", 1}}));
}

TEST_CASE("an unknown method and unknown parameters are refused") {
  Served served;
  CHECK(served.reason("nothing") == "method_not_found");
  CHECK(served.reason("Execute") == "method_not_found");
  for (const std::string_view method :
       {"info", "health", "ready", "version", "actions/list", "receipts/get", "receipts/verify", "execute",
        "log/checkpoint", "log/entries", "log/inclusion", "log/consistency"}) {
    CHECK(served.reason(method, R"({"more":1})") == "invalid_params");
  }
  CHECK(served.world.log_entries() == 0);
}

TEST_CASE("execute answers the result, exactly as it was stored") {
  Served served;
  const Json result = served.result("execute", R"({"action":"add","payload":{"a":1,"b":2.5},"nonce":"n"})");
  CHECK(string_member(result, "action") == "add");
  CHECK(string_member(result, "status") == "executed");
  CHECK(bool_member(result, "approved"));
  CHECK_FALSE(bool_member(result, "replayed"));
  CHECK(member(result, "result") == parsed(R"({"sum":3.5})"));
  CHECK(member(result, "log") == parsed(R"({"index":0,"origin":"test/openexec"})"));
  CHECK(bool_member(served.result("receipts/verify", R"({"exec_id":")" + string_member(result, "id") +
                                                         R"(","result":{"sum":3.5},"receipt":")" +
                                                         string_member(result, "receipt") + R"("})"),
                    "valid"));
  CHECK_FALSE(bool_member(served.result("receipts/verify", R"({"exec_id":"x","result":"{\"sum\": 3.5}","receipt":")" +
                                                               string_member(result, "receipt") + R"("})"),
                          "valid"));
}

TEST_CASE("a denial's data names its entry, and what an approver must sign when that is what is missing") {
  Policy policy = test::clawshield_policy();
  Served served(policy);
  const Json error = member(served.call("execute", R"({"action":"echo","nonce":"n"})"), "error");
  CHECK(member(error, "code") == Json(40302));
  CHECK(string_member(error, "message").starts_with("ClawShield mode requires an approval artifact"));
  const Json& data = member(error, "data");
  CHECK(string_member(data, "reason") == "approval_required");
  CHECK_FALSE(bool_member(data, "retryable"));
  CHECK(member(data, "receipt") == parsed(R"({"index":0,"origin":"test/openexec"})"));
  CHECK(string_member(data, "canonical") == R"({"action":"echo","payload":{}})");
  CHECK(string_member(data, "action_hash") == to_hex(sha256(string_member(data, "canonical")).view()));

  const Json unknown = member(member(served.call("execute", R"({"action":"ghost","nonce":"n"})"), "error"), "data");
  CHECK(unknown.find("canonical") == nullptr);
  CHECK(unknown.find("action_hash") == nullptr);
}

TEST_CASE("a check is a result, also when it would be denied") {
  Served served;
  const Json would = served.result("execute", R"({"action":"ghost","nonce":"n","check":true})");
  CHECK(string_member(would, "would") == "deny");
  CHECK(string_member(would, "reason") == "unknown_action");
  CHECK(served.world.log_entries() == 0);
}

TEST_CASE("a peer that is not allowed gets nothing from any method, whatever else is wrong") {
  Policy policy = open_policy();
  policy.allow_uids = {1000};
  Served served(policy);
  for (const std::string_view method :
       {"info", "health", "ready", "version", "actions/list", "receipts/get", "receipts/verify", "execute", "nothing",
        "log/checkpoint", "log/entries", "log/inclusion", "log/consistency", "log/cosigned"}) {
    CHECK(served.reason(method, "{}", 1001) == "peer_not_allowed");
    CHECK(served.reason(method, R"({"more":1})", 1001) == "peer_not_allowed");
  }
  CHECK(served.world.log_entries() == 0);
  CHECK(served.reason("execute", R"({"action":"echo","nonce":"n"})", 1001) == "peer_not_allowed");
  CHECK(served.world.log().at(0).reason == Reason::peer_not_allowed);
  CHECK(string_member(served.result("info"), "service") == "OpenExec");
}

TEST_CASE("health has the seed's members with the seed's values, then ours") {
  Served served;
  served.call("execute", R"({"action":"echo","nonce":"n"})");
  const Json health = served.result("health");
  CHECK(string_member(health, "status") == "healthy");
  CHECK(string_member(health, "exec_mode") == "demo");
  CHECK(string_member(health, "signature_verification") == "disabled");
  CHECK(string_member(health, "restriction") == "open");
  CHECK(string_member(health, "warning") == "No execution allow-list configured");
  CHECK(health.find("allow_list") == nullptr);
  CHECK(member(health, "warnings") == parsed(R"(["mind the step"])"));
  CHECK(member(health, "log") == Json::object({{"origin", "test/openexec"},
                                               {"size", 1},
                                               {"vkey", to_vkey(test::log_signer().key())},
                                               {"witnesses", Json::Array()}}));
  CHECK(string_member(health, "registry") == to_hex(served.world.registry().digest().view()));
  CHECK(member(health, "actions") == Json(5));
  CHECK(member(health, "tenant_id").is_null());
  CHECK(string_member(member(health, "store"), "dir") == served.world.dir().path().string());
  CHECK(string_member(health, "durability") == "full");
  CHECK_FALSE(bool_member(health, "halted"));
  CHECK(member(health, "sandbox") ==
        parsed(R"({"required":true,"landlock_abi":3,"seccomp":true,"cgroup":false,"missing":["it cannot bar TCP"]})"));
}

TEST_CASE("past a user's rate every method is refused, also one that is ill-formed") {
  Policy policy = test::open_policy();
  policy.requests_per_second = 2;
  Served served(policy);
  CHECK(string_member(served.result("info"), "service") == "OpenExec");
  CHECK(string_member(served.result("info"), "service") == "OpenExec");
  for (const char* method : {"info", "health", "log/checkpoint", "execute", "nosuch"}) {
    INFO(method);
    CHECK(served.reason(method, "{}") == "rate_limited");
  }
  CHECK(string_member(served.result("info", "{}", 1001), "service") == "OpenExec");
}

TEST_CASE("health in ClawShield mode with an allow-list names both") {
  Policy policy = test::clawshield_policy();
  policy.allowed_actions = {"echo"};
  Served served(policy);
  const Json health = served.result("health");
  CHECK(string_member(health, "exec_mode") == "clawshield");
  CHECK(string_member(health, "signature_verification") == "enabled");
  CHECK(string_member(health, "restriction") == "restricted");
  CHECK(member(health, "allow_list") == parsed(R"(["echo"])"));
  CHECK(health.find("warning") == nullptr);
  CHECK(string_member(health, "tenant_id") == "tenant-001");
}

TEST_CASE("health warns when the store is past its mark") {
  Served served(open_policy(), {.warn_percent = 0});
  const Json health = served.result("health");
  CHECK(string_member(health, "status") == "healthy");
  CHECK(warns(health, "% full: raise [store] map_size"));
}

TEST_CASE("with a failed store the daemon is unhealthy and not ready, and still answers") {
  Served served;
  CHECK(bool_member(served.result("ready"), "ready"));
  World& world = served.world;
  world.committer().fail_next(CommitFailure::absent);
  world.send(test::request("echo", "{}", "n"));
  world.committer().make_durable();
  world.committer().deliver();
  world.committer().finish_recovery(false);
  const Json health = served.result("health");
  CHECK(string_member(health, "status") == "unhealthy");
  CHECK(health.find("log") == nullptr);
  CHECK(warns(health, "the store failed"));
  CHECK_FALSE(bool_member(served.result("ready"), "ready"));
  CHECK(served.reason("receipts/get", R"({"index":0})") == "store_unavailable");
  CHECK(served.reason("execute", R"({"action":"echo","nonce":"m"})") == "store_unavailable");
  world.engine().retry_recovery();
  world.settle();
  CHECK(string_member(served.result("health"), "status") == "healthy");
  CHECK(bool_member(served.result("ready"), "ready"));
}

TEST_CASE("a daemon that stops is not ready") {
  Served served;
  served.world.engine().stop([] {});
  CHECK_FALSE(bool_member(served.result("ready"), "ready"));
}

TEST_CASE("the actions are listed with the registry's digest") {
  Served served;
  CHECK(served.result("actions/list") == served.world.registry().to_json());
}

TEST_CASE("a receipt is found by id, by nonce and by index, with its place in the log") {
  Served served;
  served.call("execute", R"({"action":"ghost","nonce":"other"})");
  const Json done = served.result("execute", R"({"action":"echo","nonce":"n"})");
  const std::vector<std::string> queries = {R"({"id":")" + string_member(done, "id") + R"("})", R"({"nonce":"n"})",
                                            R"({"index":1})"};
  for (const std::string& query : queries) {
    const Json found = served.result("receipts/get", query);
    CHECK(member(found, "log") == parsed(R"({"index":1,"origin":"test/openexec"})"));
    CHECK(receipt_from_json(member(found, "receipt")) == served.world.log().at(1));
  }
  CHECK(string_member(served.receipt(R"({"index":0})"), "kind") == "denied");
  CHECK(served.reason("receipts/get", R"({"nonce":"other"})") == "receipt_not_found");  // a denial claims nothing
  CHECK(served.reason("receipts/get", R"({"index":2})") == "receipt_not_found");
  CHECK(served.reason("receipts/get", R"({"index":9223372036854775807})") == "receipt_not_found");
  CHECK(served.reason("receipts/get", R"({"id":"00000000-0000-8000-8000-000000000000"})") == "receipt_not_found");
}

TEST_CASE("while an execution runs its receipt is that of its start, then that of its outcome") {
  Served served;
  World& world = served.world;
  world.ask(test::request(test::effect_action, "{}", "n"));
  CHECK(string_member(served.receipt(R"({"nonce":"n"})"), "kind") == "started");
  world.runner().finish();
  world.settle();
  const Json ended = served.receipt(R"({"nonce":"n"})");
  CHECK(string_member(ended, "kind") == "executed");
  CHECK(member(ended, "started") == Json(0));
  CHECK(served.receipt(R"({"id":")" + string_member(ended, "id") + R"("})") == ended);
}

TEST_CASE("a uid sees the receipts of its own attempts; readers, root and the daemon's own uid see all") {
  Policy policy = open_policy();
  policy.reader_uids = {3000};
  Served served(policy);
  served.call("execute", R"({"action":"echo","nonce":"n"})", 1000);
  for (const std::string_view query : {R"({"index":0})", R"({"nonce":"n"})"}) {
    for (const std::uint32_t uid : {1000U, 3000U, 0U, 990U}) {
      CHECK(string_member(served.receipt(query, uid), "nonce") == "n");
    }
    CHECK(served.reason("receipts/get", query, 1001) == "receipt_not_found");
  }
  // What is not there and what is somebody else's look the same.
  CHECK(served.call("receipts/get", R"({"index":0})", 1001) == served.call("receipts/get", R"({"index":7})", 1001));
}

TEST_CASE("where any tenant is served a nonce alone names no receipt") {
  Policy policy = test::clawshield_policy();
  policy.tenant_id = "*";
  Served served(policy);
  CHECK(served.reason("receipts/get", R"({"nonce":"n"})") == "invalid_params");
}

TEST_CASE("an entry that cannot be read is an internal error, and the daemon goes on") {
  Served served;
  served.call("execute", R"({"action":"echo","nonce":"n"})");
  for (const std::string_view leaf : {"", "{}", "not json"}) {
    auto txn = served.world.committer().real_store().write();
    REQUIRE(txn.has_value());
    REQUIRE(txn->put(Table::entries, to_big_endian(std::uint64_t{0}), leaf).has_value());
    REQUIRE(txn->commit().has_value());
    CHECK(served.reason("receipts/get", R"({"index":0})") == "internal");
  }
  CHECK(string_member(served.result("health"), "status") == "healthy");
}

}  // namespace
}  // namespace openexec
