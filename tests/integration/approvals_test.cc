// SPDX-License-Identifier: Apache-2.0
// Approvals over the real socket. The vectors' own artifacts hold for one moment only, so the good ones are signed
// again for now: with the vectors' key, over the vectors' action hashes, which an independent implementation computed.
#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "proto-json/pem.h"
#include "proto-json/receipt.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

const Json& artifact_of(const Json& request) { return member(request, "approval_artifact"); }

Json payload_of(const Json& request) {
  const Json* payload = request.find("payload");
  return payload == nullptr ? Json::object({}) : *payload;
}

// A new id and new times, signed as the seed's approver signs: the concatenation of five members.
Json signed_for_now(const Approver& approver, const Json& artifact, std::string_view action, const Json& payload) {
  const Json fresh = approver.approve(action, payload);
  Json out = artifact;
  for (const std::string_view name : {"approval_id", "issued_at", "expires_at"}) {
    out = with_member(out, name, member(fresh, name));
  }
  std::string message;
  for (const std::string_view name : {"approval_id", "tenant_id", "action_hash", "issued_at", "expires_at"}) {
    message += string_member(out, name);
  }
  return with_member(out, "signature", approver.sign(message));
}

TEST_CASE("an artifact of the seed's own algorithm executes, whatever its payload", "[integration]") {
  const TestDaemon daemon(clawshield_daemon());
  AgentSocket socket(daemon.socket());
  const Approver approver = Approver::trusted();
  std::size_t executed = 0;
  for (const Json& vector : vector_cases("clawshield-v1")) {
    if (!bool_member(vector, "accept")) {
      continue;
    }
    INFO(string_member(vector, "name"));
    const Json& request = member(vector, "request");
    const std::string& action = string_member(request, "action");
    const std::string& nonce = string_member(request, "nonce");
    const Json payload = payload_of(request);
    const Json approval = signed_for_now(approver, artifact_of(request), action, payload);

    const Answer answer = execute(socket, action, payload, nonce, approval);
    const Json& result = member(answer.result(), "result");
    REQUIRE(member(result, "echo") == payload);
    REQUIRE_FALSE(answer.replayed());
    REQUIRE(answer.receipt() == to_hex(seed_receipt(answer.id(), to_spaced(result)).view()));

    const Json entry = log_of(socket, static_cast<std::size_t>(answer.index())).at(0);
    REQUIRE(string_member(entry, "kind") == "executed");
    REQUIRE(member(entry, "action_hash") == member(approval, "action_hash"));
    const Json& used = member(entry, "approval");
    REQUIRE(member(used, "id") == member(approval, "approval_id"));
    const auto key = read_public_key_pem(approver.public_key_pem());
    REQUIRE(member(used, "key_ids") == Json(Json::Array{key_id(key.value())}));
    ++executed;
  }
  REQUIRE(executed >= 40);
}

TEST_CASE("each bad artifact of the vectors is denied for its reason, and the denial is in the log", "[integration]") {
  // What depends on the time is a matter of tests/core, which have a clock of their own.
  const std::set<std::string_view> by_time{"approval_expired", "approval_not_yet_valid"};
  std::size_t denied = 0;
  for (const std::string tenant : {"tenant-001", "1tenant-001"}) {
    const TestDaemon daemon(clawshield_daemon(openexecd_path(), tenant));
    AgentSocket socket(daemon.socket());
    for (const Json& vector : vector_cases("clawshield-v1")) {
      INFO(string_member(vector, "name"));
      if (bool_member(vector, "accept") || string_member(vector, "tenant_id") != tenant ||
          by_time.contains(string_member(vector, "reason"))) {
        continue;
      }
      const Answer answer = call(socket, "execute", member(vector, "request"));
      REQUIRE(answer.reason() == string_member(vector, "reason"));
      const Json entry = log_of(socket, static_cast<std::size_t>(answer.denial_index().value())).at(0);
      REQUIRE(string_member(entry, "kind") == "denied");
      REQUIRE(member(entry, "reason") == member(vector, "reason"));
      ++denied;
    }
  }
  REQUIRE(denied >= 15);
}

TEST_CASE("a daemon for any tenant keeps the nonces and approvals of each apart", "[integration]") {
  const TestDaemon daemon(clawshield_daemon(openexecd_path(), "*"));
  AgentSocket socket(daemon.socket());
  const Approver approver = Approver::trusted();
  const Json payload = tag_payload("x");
  const std::string approval_id = new_approval_id();
  const auto approve = [&](std::string_view tenant) {
    ApprovalChoices choices;
    choices.tenant_id = tenant;
    choices.approval_id = approval_id;
    return approver.approve("echo", payload, choices);
  };
  const Answer acme = execute(socket, "echo", payload, "n-1", approve("acme"));
  const Answer umbrella = execute(socket, "echo", payload, "n-1", approve("umbrella"));
  REQUIRE_FALSE(acme.replayed());
  REQUIRE_FALSE(umbrella.replayed());
  REQUIRE(acme.id() != umbrella.id());
  REQUIRE(execute(socket, "echo", payload, "n-2", approve("acme")).reason() == "approval_used");
}

TEST_CASE("keys come from a folder, and a receipt names the one that signed", "[integration]") {
  const TempDir dir;
  const Approver ops = Approver::trusted();
  const Approver audit = Approver::other();
  const auto write = [&](std::string_view name, const std::string& pem) { std::ofstream(dir / name) << pem; };
  write("ops.pem", ops.public_key_pem());
  write("audit.pub", audit.public_key_pem());
  DaemonOptions options = clawshield_daemon();
  options.env = {"OPENEXEC_MODE=clawshield", "CLAWSHIELD_TENANT_ID=tenant-001",
                 "CLAWSHIELD_PUBLIC_KEY=" + dir.path().string()};
  const TestDaemon daemon(options);
  AgentSocket socket(daemon.socket());
  const Json payload = tag_payload("x");
  const auto approver_of = [&](const Approver& approver, std::string_view nonce) {
    const Answer answer = execute(socket, "echo", payload, nonce, approver.approve("echo", payload));
    const Json entry = log_of(socket, static_cast<std::size_t>(answer.index())).at(0);
    return member(member(entry, "approval"), "approvers");
  };
  REQUIRE(approver_of(ops, "n-1") == Json(Json::Array{"ops"}));
  REQUIRE(approver_of(audit, "n-2") == Json(Json::Array{"audit"}));
}

}  // namespace
}  // namespace openexec::test
