// SPDX-License-Identifier: Apache-2.0
// Receipts of real daemons, checked twice: by our own verifier, and by verify_receipt.py, which was written from the
// specifications alone and uses another Ed25519. Both must accept all of them, and refuse every change of one bit.
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "client/verify.h"
#include "proto-json/message.h"
#include "proto-json/pem.h"
#include "tests/integration/witnessed.h"
#include "tests/support/catch.h"
#include "tests/support/made_log.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

using client::ProofReport;
using client::ProofTrust;
using client::verify_proof;

constexpr const char* script = OPENEXEC_SOURCE_DIR "/tests/integration/verify_receipt.py";

// Without Python's cryptography there is no second opinion: where the project's checks run, that is a failure.
bool has_python() {
  const Completed completed = run({.argv = {"/usr/bin/env", "python3", "-c", "import cryptography"}});
  if (completed.exit_code == 0) {
    return true;
  }
  if (std::getenv("CI") != nullptr) {
    FAIL("python3 or its cryptography is not there: " << completed.err);
  }
  WARN("skipped: python3 or its cryptography is not there (apt install python3-cryptography)");
  return false;
}

// A receipt's proof, by what came of the attempt.
using Proofs = std::map<std::string, std::string>;

std::string proof_of(AgentSocket& agent, const Json& query) {
  return string_member(call(agent, "receipts/get", query).result(), "proof");
}
Json by_nonce(const std::string& nonce) { return Json::object({{"nonce", nonce}}); }

// Makes a receipt of every kind, under those nonces; with approvals where `approver` is there. The daemon is the one
// with fault points, and is killed once.
std::map<std::string, Json> make_receipts(WitnessedDaemon& host, const std::optional<Approver>& approver) {
  const auto approved = [&](std::string_view action, const Json& payload) {
    return approver ? std::optional(approver->approve(action, payload)) : std::nullopt;
  };
  const Json payload = tag_payload("t");
  const auto echo_approval = approved("echo", payload);
  {
    AgentSocket agent(host.socket());
    CHECK_FALSE(execute(agent, "echo", payload, "executed", echo_approval).replayed());
    CHECK(execute(agent, "echo", payload, "executed", echo_approval).replayed());
    CHECK_FALSE(execute(agent, "test.count", payload, "effect", approved("test.count", payload)).replayed());
    CHECK(string_member(execute(agent, "test.fail", payload, "failed", approved("test.fail", payload)).result(),
                        "status") == "failed");
  }
  std::map<std::string, Json> queries{{"executed", by_nonce("executed")},
                                      {"executed with an effect", by_nonce("effect")},
                                      {"started", Json::object({{"index", 1}})},
                                      {"failed", by_nonce("failed")}};
  {
    AgentSocket agent(host.socket());
    const Answer denied = approver ? execute(agent, "echo", tag_payload("other"), "denied", echo_approval)
                                   : execute(agent, "no.such.action", Json::object({}), "denied");
    queries["denied"] = Json::object({{"index", denied.denial_index().value()}});
  }
  AgentSocket sleeper(host.socket());
  const Json long_sleep = Json::object({{"tag", "s"}, {"ms", 600'000}});
  sleeper.send_line(
      encode_request(std::int64_t{1}, "execute",
                     execute_params("test.sleep", long_sleep, "unknown", approved("test.sleep", long_sleep))));
  wait_until_claimed(host.socket(), "unknown");
  host.daemon().kill9();
  host.daemon().start();
  queries["unknown"] = by_nonce("unknown");
  return queries;
}

Proofs proofs_of(WitnessedDaemon& host, const std::map<std::string, Json>& queries) {
  AgentSocket agent(host.socket());
  Proofs out;
  for (const auto& [kind, query] : queries) {
    out[kind] = proof_of(agent, query);
  }
  return out;
}

// No bit of the document can be changed without being refused, or without the receipt and all that a signature covers
// staying as they were. `stride`: 1 for every bit.
void check_bits(const std::string& proof, const ProofTrust& trust, bool approval_is_wanted, std::size_t stride) {
  const ProofReport good = verify_proof(proof, trust);
  std::size_t beside = 0;
  for (std::size_t bit = 0; bit < 8 * proof.size(); bit += stride) {
    std::string changed = proof;
    changed[bit / 8] = static_cast<char>(static_cast<unsigned char>(changed[bit / 8]) ^ (1U << bit % 8));
    const ProofReport report = verify_proof(changed, trust);
    if (!report.ok()) {
      continue;
    }
    ++beside;
    if (report.leaf_text != good.leaf_text || report.index != good.index || report.checkpoint != good.checkpoint ||
        report.cosignatures != good.cosignatures || bit / 8 > proof.find("\nindex ")) {
      FAIL_CHECK("bit " << bit << " can be changed unseen");
    }
  }
  CHECK((beside == 0 || !approval_is_wanted));
}

void check_by_python(const std::string& proof, const std::string& log_key, const std::string& witness_key,
                     bool every_bit) {
  const TempDir dir;
  std::ofstream(dir / "proof", std::ios::binary) << proof;
  std::vector<std::string> argv = {"/usr/bin/env", "python3", script,      dir / "proof",
                                   "--log-key",    log_key,   "--witness", witness_key};
  if (every_bit) {
    argv.emplace_back("--flip-bits");
  }
  const Completed completed = run({.argv = std::move(argv)});
  INFO(completed.out << completed.err);
  CHECK(completed.exit_code == 0);
  CHECK(contains(completed.out, "cosigned by 1\n"));
  CHECK(contains(completed.out, "leaf: ") == every_bit);
}

void check_all_receipts(const std::optional<Approver>& approver) {
  const bool second_opinion = has_python();
  const WitnessFolder witness;
  const Effects effects;
  DaemonOptions options = approver ? clawshield_daemon(openexecd_faults_path()) : demo_daemon(openexecd_faults_path());
  options.env.push_back(effects.env());
  WitnessedDaemon host(witness, std::move(options));
  const auto queries = make_receipts(host, approver);
  REQUIRE(host.push().exit_code == 0);

  ProofTrust trust{
      .log = read_vkey(host.log_key()).value(), .witnesses = {read_vkey(witness.vkey()).value()}, .quorum = 1};
  if (approver) {
    trust.approvers = {{"ops", read_public_key_pem(approver->public_key_pem()).value()}};
  }
  for (const auto& [kind, proof] : proofs_of(host, queries)) {
    CAPTURE(kind);
    const ProofReport report = verify_proof(proof, trust);
    INFO(report.approval.text);
    REQUIRE(report.ok());
    REQUIRE(report.leaf);
    const Receipt receipt = std::get<Receipt>(*report.leaf);
    CHECK(kind.starts_with(to_text(receipt.kind)));
    const bool has_run = receipt.result_hash.has_value();
    CHECK((report.approval.answer == client::Answer::yes || !approver || !has_run));
    // Every bit of one receipt, and some of each other: the kinds differ in the leaf's text only.
    const bool every_bit = kind == "executed";
    check_bits(proof, trust, approver && has_run, every_bit ? 1 : 61);
    if (second_opinion) {
      check_by_python(proof, host.log_key(), witness.vkey(), every_bit);
    }
  }
}

TEST_CASE("two verifiers accept every receipt of a demo daemon, and refuse every change of one bit", "[integration]") {
  check_all_receipts(std::nullopt);
}

TEST_CASE("two verifiers accept every receipt of a daemon that wants approvals, and refuse every change of one bit",
          "[integration]") {
  check_all_receipts(Approver::trusted());
}

TEST_CASE("verify_receipt.py refuses a proof by another key, of another receipt, or with too few witnesses",
          "[integration]") {
  if (!has_python()) {
    return;
  }
  const WitnessFolder witness;
  WitnessedDaemon host(witness, demo_daemon());
  host.echo();
  host.echo();
  const TempDir dir;
  AgentSocket agent(host.socket());
  std::string proof = proof_of(agent, Json::object({{"index", 1}}));
  const auto exit_code = [&](const std::string& text, std::vector<std::string> more) {
    std::ofstream(dir / "proof", std::ios::binary | std::ios::trunc) << text;
    more.insert(more.begin(), {"/usr/bin/env", "python3", script, dir / "proof", "--log-key"});
    return run({.argv = std::move(more)}).exit_code;
  };
  CHECK(exit_code(proof, {host.log_key()}) == 0);
  CHECK(exit_code(proof, {host.log_key(), "--witness", witness.vkey()}) == 1);
  const WitnessFolder other_witness;
  WitnessedDaemon other(other_witness, demo_daemon());
  CHECK(exit_code(proof, {other.log_key()}) == 1);
  CHECK(exit_code("", {host.log_key()}) == 1);
  const std::string other_receipt = proof_of(agent, Json::object({{"index", 0}}));
  const auto extra_of = [](const std::string& text) { return text.substr(0, text.find("\nindex ")); };
  CHECK(exit_code(extra_of(other_receipt) + proof.substr(extra_of(proof).size()), {host.log_key()}) == 1);
}

TEST_CASE("verify_receipt.py counts a witness's key once, whatever its names, and the log's own key not at all",
          "[integration]") {
  if (!has_python()) {
    return;
  }
  MadeLog log;
  log.append(to_leaf(made_receipt(ReceiptKind::executed)));
  const NoteSigner witness = made_signer("audit/w1", NoteKeyType::cosignature, 11);
  const NoteSigner alias = made_signer("audit/w1-again", NoteKeyType::cosignature, 11);
  const NoteSigner itself = made_signer("vm1/itself", NoteKeyType::cosignature, 1);
  std::string lines;
  for (const NoteSigner* signer : {&witness, &alias, &itself}) {
    lines += cosignature_line(*signer, log.checkpoint(), 1);
  }
  const TempDir dir;
  write_file(dir / "proof", to_text(log.proof(0, std::nullopt, lines)));
  const auto exit_code = [&](const std::vector<const NoteSigner*>& witnesses, const std::string& quorum) {
    std::vector<std::string> argv{"/usr/bin/env", "python3",  script,     dir / "proof",
                                  "--log-key",    log.vkey(), "--quorum", quorum};
    for (const NoteSigner* each : witnesses) {
      argv.insert(argv.end(), {"--witness", to_vkey(each->key())});
    }
    return run({.argv = std::move(argv)}).exit_code;
  };
  CHECK(exit_code({&witness}, "1") == 0);
  CHECK(exit_code({&witness, &witness}, "2") == 1);
  CHECK(exit_code({&witness, &alias}, "1") == 0);
  CHECK(exit_code({&witness, &alias}, "2") == 1);
  CHECK(exit_code({&itself}, "1") == 1);
  CHECK(exit_code({&witness, &itself}, "2") == 1);
}

}  // namespace
}  // namespace openexec::test
