// SPDX-License-Identifier: Apache-2.0
#include "client/verify.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "proto-json/approval.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "proto-json/pem.h"
#include "tests/support/catch.h"
#include "tests/support/made_log.h"
#include "tests/support/openexecd.h"

namespace openexec::client {
namespace {

using test::Approver;
using test::cosignature_line;
using test::made_receipt;
using test::made_signer;
using test::MadeLog;

constexpr std::uint64_t cosigned_at = 1'795'270'502;

// A request that was approved, and what the log says of it.
struct Approved {
  Json approval;
  Receipt receipt;
};

const Approver& approver() {
  static const Approver trusted = Approver::trusted();
  return trusted;
}

PublicKey approver_key() { return read_public_key_pem(approver().public_key_pem()).value(); }

Approved approved(ReceiptKind kind = ReceiptKind::executed) {
  const Json payload = Json::object({{"amount", 120}});
  Approved out{approver().approve("payment.refund", payload), made_receipt(kind, Mode::clawshield)};
  const auto read = read_clawshield_approval(out.approval);
  out.receipt.at = plus_s(read->issued, 60);
  out.receipt.action_hash = sha256(canonical_request("payment.refund", payload));
  out.receipt.approval =
      ReceiptApproval{presented_approval_hash(out.approval), read->approval_id, {key_id(approver_key())}, {"ops"}};
  return out;
}

// A log of seven entries with that one at index 2.
MadeLog log_with(const Receipt& receipt) {
  MadeLog log;
  log.append_many(2);
  log.append(to_leaf(receipt));
  log.append_many(4);
  return log;
}

std::string proof_of(const Approved& of, std::string_view cosignatures = {}) {
  return to_text(log_with(of.receipt).proof(2, of.approval, cosignatures));
}

ProofTrust trust_in(const MadeLog& log) { return {.log = log.key()}; }
ProofTrust trust_in_approver() {
  ProofTrust trust{.log = MadeLog().key()};
  trust.approvers = {{"ops", approver_key()}};
  return trust;
}

std::vector<Answer> answers_of(const ProofReport& report) {
  return {report.well_formed.answer, report.included.answer, report.log_signature.answer,
          report.witnesses.answer,   report.approval.answer, report.single_use.answer};
}

TEST_CASE("every receipt of a log verifies with the log's key alone") {
  const Mode mode = GENERATE(Mode::demo, Mode::clawshield);
  MadeLog log;
  for (const ReceiptKind kind : {ReceiptKind::started, ReceiptKind::executed, ReceiptKind::failed,
                                 ReceiptKind::timed_out, ReceiptKind::unknown, ReceiptKind::denied}) {
    log.append(to_leaf(made_receipt(kind, mode)));
  }
  for (std::uint64_t index = 0; index < log.size(); ++index) {
    const ProofReport report = verify_proof(to_text(log.proof(index)), trust_in(log));
    CHECK(report.ok());
    CHECK(answers_of(report) == std::vector{Answer::yes, Answer::yes, Answer::yes, Answer::not_checked,
                                            Answer::not_checked, Answer::not_checked});
    CHECK(report.index == index);
    CHECK(report.checkpoint->size == 6);
  }
}

TEST_CASE("a summary of denials and an adoption verify, and have no approval to check") {
  DeniedSummary summary;
  summary.at = {1'795'270'093'000'000};
  summary.since = {1'795'270'092'000'000};
  summary.rows = {{1001, Reason::approval_required, 9000}};
  AdminChange change;
  change.at = summary.at;
  change.epoch = 2;
  change.origin = "vm1/openexec/2";
  change.log_key = MadeLog(change.origin).vkey();
  MadeLog log;
  log.append(to_leaf(LeafContent{summary}));
  log.append(to_leaf(LeafContent{change}));
  ProofTrust trust = trust_in(log);
  trust.approvers = {{"ops", approver_key()}};
  for (const std::uint64_t index : {0U, 1U}) {
    const ProofReport report = verify_proof(to_text(log.proof(index)), trust);
    CHECK(report.ok());
    CHECK(report.approval.answer == Answer::not_checked);
  }
}

TEST_CASE("a log's key that is not the one trusted, or is of another name, is no") {
  const MadeLog log = log_with(made_receipt(ReceiptKind::executed));
  const std::string proof = to_text(log.proof(2));
  const MadeLog other_key("vm1/openexec", 9);
  const MadeLog other_name("vm2/openexec", 1);
  NoteKey witness = log.key();
  witness.type = NoteKeyType::cosignature;
  for (const NoteKey& key : {other_key.key(), other_name.key(), witness}) {
    const ProofReport report = verify_proof(proof, {.log = key});
    CHECK(report.log_signature.answer == Answer::no);
    CHECK(report.included.answer == Answer::yes);  // each verdict answers its own question
    CHECK_FALSE(report.ok());
  }
}

TEST_CASE("what is no proof is not well formed, and nothing else is claimed of it") {
  MadeLog log = log_with(made_receipt(ReceiptKind::executed));
  const std::string good = to_text(log.proof(2));
  std::vector<std::string> documents = {"", "c2sp.org/tlog-proof@v1\n", good.substr(0, good.size() - 1), good + "\n"};
  TlogProof changed = log.proof(2);
  changed.extra.reset();
  documents.push_back(to_text(changed));
  changed.extra = R"({"receipt":{"v":1}})";
  documents.push_back(to_text(changed));
  changed = log.proof(2);
  changed.checkpoint = "vm1/openexec\nseven\n" + good.substr(good.rfind("\n\n"));
  documents.push_back(to_text(changed));
  for (const std::string& document : documents) {
    CAPTURE(document);
    const ProofReport report = verify_proof(document, trust_in(log));
    CHECK(answers_of(report) == std::vector{Answer::no, Answer::not_checked, Answer::not_checked, Answer::not_checked,
                                            Answer::not_checked, Answer::not_checked});
    CHECK_FALSE(report.ok());
  }
}

TEST_CASE("witnesses count by key: each once, none that was not trusted, and none that is the log itself") {
  const MadeLog log = log_with(made_receipt(ReceiptKind::executed));
  const NoteSigner first = made_signer("audit/w1", NoteKeyType::cosignature, 11);
  const NoteSigner second = made_signer("audit/w2", NoteKeyType::cosignature, 12);
  const NoteSigner alias = made_signer("audit/w1-again", NoteKeyType::cosignature, 11);
  const NoteSigner itself = made_signer("vm1/itself", NoteKeyType::cosignature, 1);
  const std::string note = log.checkpoint();
  std::string lines;
  for (const NoteSigner* signer : {&first, &alias, &itself}) {
    lines += cosignature_line(*signer, note, cosigned_at);
  }
  const std::string proof = to_text(log.proof(2, std::nullopt, lines));
  const auto verdict = [&](std::vector<NoteKey> keys, std::size_t quorum) {
    return verify_proof(proof, {.log = log.key(), .witnesses = std::move(keys), .quorum = quorum}).witnesses;
  };
  CHECK(verdict({first.key()}, 1) == Verdict{Answer::yes, "1 of 1: audit/w1, 2026-11-21T14:15:02.000000Z"});
  CHECK(verdict({first.key(), second.key()}, 1).answer == Answer::yes);
  CHECK(verdict({first.key(), second.key()}, 2).answer == Answer::no);
  CHECK(verdict({first.key(), alias.key()}, 2).answer == Answer::no);
  CHECK(verdict({itself.key()}, 1).answer == Answer::no);
  CHECK(verdict({second.key()}, 1).answer == Answer::no);
  CHECK(verdict({}, 1).answer == Answer::no);
  CHECK(verdict({}, 0).answer == Answer::not_checked);
  CHECK(verdict({log.key()}, 1).answer == Answer::no);  // no witness's key
}

TEST_CASE("without a quorum every witness that is trusted must have cosigned, and no quorum is none") {
  const MadeLog log = log_with(made_receipt(ReceiptKind::executed));
  const NoteSigner first = made_signer("audit/w1", NoteKeyType::cosignature, 11);
  const NoteSigner second = made_signer("audit/w2", NoteKeyType::cosignature, 12);
  const std::string one = to_text(log.proof(2, std::nullopt, cosignature_line(first, log.checkpoint(), cosigned_at)));
  CHECK(verify_proof(one, {.log = log.key(), .witnesses = {first.key()}}).ok());
  CHECK_FALSE(verify_proof(one, {.log = log.key(), .witnesses = {first.key(), second.key()}}).ok());
  CHECK_FALSE(verify_proof(one, {.log = log.key(), .witnesses = {second.key()}}).ok());
  CHECK_FALSE(verify_proof(one, {.log = log.key(), .witnesses = {second.key()}, .quorum = 0}).ok());
}

TEST_CASE("a false cosignature of a trusted witness is no, whatever the others say") {
  const MadeLog log = log_with(made_receipt(ReceiptKind::executed));
  const NoteSigner good = made_signer("audit/w1", NoteKeyType::cosignature, 11);
  const NoteSigner bad = made_signer("audit/w2", NoteKeyType::cosignature, 12);
  const std::string lines = cosignature_line(good, log.checkpoint(), cosigned_at) +
                            cosignature_line(bad, log.checkpoint(3), cosigned_at);  // of another checkpoint
  const std::string proof = to_text(log.proof(2, std::nullopt, lines));
  CHECK(verify_proof(proof, {.log = log.key(), .witnesses = {good.key(), bad.key()}, .quorum = 1}).witnesses.answer ==
        Answer::no);
  // An unknown witness's signature says nothing, true or false.
  CHECK(verify_proof(proof, {.log = log.key(), .witnesses = {good.key()}, .quorum = 1}).ok());
}

TEST_CASE("a cosignature of a time that no calendar has is still only a number") {
  const MadeLog log = log_with(made_receipt(ReceiptKind::executed));
  const NoteSigner witness = made_signer("audit/w1", NoteKeyType::cosignature, 11);
  const std::string line = cosignature_line(witness, log.checkpoint(), (std::uint64_t{1} << 63U) - 1);
  const ProofReport report = verify_proof(to_text(log.proof(2, std::nullopt, line)),
                                          {.log = log.key(), .witnesses = {witness.key()}, .quorum = 1});
  CHECK(report.ok());
  CHECK(report.witnesses.text == "1 of 1: audit/w1, 9223372036854775807 s after 1970");
}

TEST_CASE("an approval that a trusted key signed for this very request is yes") {
  const Approved of = approved();
  const ProofReport report = verify_proof(proof_of(of), trust_in_approver());
  INFO(report.approval.text);
  CHECK(report.ok());
  CHECK(report.approval.answer == Answer::yes);
  REQUIRE(report.approver);
  CHECK(report.approver->name == "ops");
  CHECK(verify_proof(proof_of(of), trust_in(MadeLog())).approval.answer == Answer::not_checked);  // no key given
}

TEST_CASE("an approval that does not fit its receipt is no") {
  struct Case {
    std::string what;
    std::function<void(Approved&)> change;
  };
  const auto sign_again = [](Approved& of) { of.receipt.approval->hash = presented_approval_hash(of.approval); };
  const auto [what, change] = GENERATE_COPY(values<Case>({
      {"another request", [](Approved& of) { of.receipt.action_hash = sha256("other"); }},
      {"another tenant", [](Approved& of) { of.receipt.tenant_id = "tenant-002"; }},
      {"another id", [](Approved& of) { of.receipt.approval->id = test::new_approval_id(); }},
      {"another hash", [](Approved& of) { of.receipt.approval->hash = sha256("other"); }},
      {"a key that the receipt does not name",
       [](Approved& of) { of.receipt.approval->key_ids = {std::string(64, 'a')}; }},
      {"signed long after the receipt", [](Approved& of) { of.receipt.at = plus_s(of.receipt.at, -3600); }},
      {"an approval where the receipt names none", [](Approved& of) { of.receipt.approval.reset(); }},
      {"another signer",
       [&](Approved& of) {
         of.approval = Approver::other().approve("payment.refund", Json::object({{"amount", 120}}),
                                                 {.approval_id = *of.receipt.approval->id});
         sign_again(of);
       }},
      {"an artifact with no signature",
       [&](Approved& of) {
         of.approval = test::with_member(of.approval, "signature", "");
         sign_again(of);
       }},
      {"no artifact at all",
       [&](Approved& of) {
         of.approval = Json::object({});
         sign_again(of);
       }},
  }));
  CAPTURE(what);
  Approved of = approved();
  change(of);
  const ProofReport report = verify_proof(proof_of(of), trust_in_approver());
  CHECK(report.well_formed.answer == Answer::yes);
  CHECK(report.included.answer == Answer::yes);
  CHECK(report.approval.answer == Answer::no);
  CHECK_FALSE(report.ok());
}

TEST_CASE("an approval that is not the one the receipt names is no also when no approver's key was given") {
  Approved of = approved();
  const Json other = approver().approve("payment.refund", Json::object({{"amount", 120}}));
  of.approval = other;
  CHECK(verify_proof(proof_of(of), trust_in(MadeLog())).approval.answer == Answer::no);
}

TEST_CASE("who wants an approval of a run gets no where there is none to check") {
  struct Case {
    ReceiptKind kind;
    Mode mode;
    Answer answer;
  };
  const auto [kind, mode, answer] = GENERATE(values<Case>({
      {ReceiptKind::executed, Mode::clawshield, Answer::no},
      {ReceiptKind::failed, Mode::clawshield, Answer::no},
      {ReceiptKind::timed_out, Mode::clawshield, Answer::no},
      {ReceiptKind::started, Mode::clawshield, Answer::not_checked},
      {ReceiptKind::unknown, Mode::clawshield, Answer::not_checked},
      {ReceiptKind::denied, Mode::clawshield, Answer::not_checked},
      {ReceiptKind::executed, Mode::demo, Answer::no},
      {ReceiptKind::denied, Mode::demo, Answer::not_checked},
  }));
  CAPTURE(to_text(kind), to_text(mode));
  const std::string proof = to_text(log_with(made_receipt(kind, mode)).proof(2));
  CHECK(verify_proof(proof, trust_in_approver()).approval.answer == answer);
  CHECK(verify_proof(proof, trust_in(MadeLog())).ok());
}

TEST_CASE("no bit of a proof can be changed unseen by who trusts log, witness and approver") {
  const Approved of = approved();
  const NoteSigner witness = made_signer("audit/w1", NoteKeyType::cosignature, 11);
  const MadeLog log = log_with(of.receipt);
  const std::string good = proof_of(of, cosignature_line(witness, log.checkpoint(), cosigned_at));
  ProofTrust trust = trust_in_approver();
  trust.witnesses = {witness.key()};
  trust.quorum = 1;
  REQUIRE(verify_proof(good, trust).ok());
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string changed = good;
    changed[bit / 8] = static_cast<char>(static_cast<unsigned char>(changed[bit / 8]) ^ (1U << bit % 8));
    if (verify_proof(changed, trust).ok()) {
      FAIL_CHECK("bit " << bit << " can be changed unseen");
    }
  }
}

TEST_CASE("what no trusted key covers may change: a line by an unknown key, the approval when no approver is trusted") {
  const Approved of = approved();
  const NoteSigner unknown = made_signer("nobody/w9", NoteKeyType::cosignature, 19);
  const std::string line = cosignature_line(unknown, log_with(of.receipt).checkpoint(), cosigned_at);
  std::string changed = proof_of(of, line);
  changed[changed.find("nobody/w9")] = 'b';
  CHECK(verify_proof(changed, trust_in_approver()).ok());
  // Without the approval the receipt still stands; with it, it must be the one that the receipt names.
  const std::string bare = to_text(log_with(of.receipt).proof(2));
  CHECK(verify_proof(bare, trust_in(MadeLog())).ok());
  CHECK_FALSE(verify_proof(bare, trust_in_approver()).ok());
}

}  // namespace
}  // namespace openexec::client
