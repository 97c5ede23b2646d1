// SPDX-License-Identifier: Apache-2.0
#include "proto-json/log_audit.h"

#include "proto-json/crypto.h"
#include "proto-json/execution_id.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

Receipt attempt(ReceiptKind kind, std::string nonce) {
  Receipt receipt;
  receipt.kind = kind;
  receipt.at = from_text("2026-11-21T12:00:00Z").value();
  receipt.id.data.fill(static_cast<std::uint8_t>(nonce.back()));
  receipt.action = "echo";
  receipt.nonce = std::move(nonce);
  if (has_result(kind)) {
    receipt.result_hash = sha256("{}");
    receipt.receipt = sha256("id:{}");
    receipt.duration_us = 5;
  }
  if (kind == ReceiptKind::denied) {
    receipt.reason = Reason::unknown_action;
  }
  return receipt;
}

Receipt outcome_of(std::int64_t started, Receipt receipt) {
  receipt.started = started;
  return receipt;
}

Receipt approved(Receipt receipt, std::string approval_id) {
  receipt.mode = Mode::clawshield;
  receipt.tenant_id = "acme";
  receipt.approval = ReceiptApproval{sha256(approval_id), std::move(approval_id), {std::string(64, 'a')}, {"ops"}};
  return receipt;
}

AdminChange adoption(std::uint64_t epoch, std::string_view base = "vm1/openexec") {
  AdminChange change;
  change.at = from_text("2026-11-21T12:00:00Z").value();
  change.epoch = epoch;
  change.origin = epoch_name(base, epoch, {});
  change.log_key = to_vkey({change.origin, NoteKeyType::ed25519, {}});
  return change;
}

struct Audited {
  LogFindings findings;
  LogAudit audit{findings};

  explicit Audited(const std::vector<LeafContent>& leaves) {
    for (const LeafContent& leaf : leaves) {
      audit.add(to_leaf(leaf));
    }
    audit.finish();
  }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const LogProblem& problem : findings.problems()) {
      out += std::string(to_text(problem.part)) + ": " + problem.text + "\n";
    }
    return out;
  }
};

constexpr const char* first_approval = "67203e9d-7af3-4cec-b702-b95666250b1c";

TEST_CASE("a log that fits together has no findings") {
  const Audited log(
      {attempt(ReceiptKind::executed, "a"), attempt(ReceiptKind::started, "b"), attempt(ReceiptKind::denied, "a"),
       attempt(ReceiptKind::started, "c"), outcome_of(1, attempt(ReceiptKind::failed, "b")), adoption(2),
       outcome_of(3, attempt(ReceiptKind::unknown, "c")), attempt(ReceiptKind::started, "d"), adoption(3)});
  CHECK(log.text().empty());
  CHECK(log.audit.size() == 9);
  CHECK(log.audit.denied() == 1);
  CHECK(log.audit.running() == 1);
  REQUIRE(log.audit.adopted().has_value());
  CHECK(log.audit.adopted()->epoch == 3);
  CHECK(log.audit.adopted_at() == 8);
}

TEST_CASE("what is remembered of each execution is what its entries say, in the order of claims and of ids") {
  const Audited log({attempt(ReceiptKind::started, "b"), attempt(ReceiptKind::executed, "a"),
                     outcome_of(0, attempt(ReceiptKind::timed_out, "b"))});
  REQUIRE(log.audit.executions().size() == 2);
  const AuditedExecution& first = log.audit.executions()[0];
  CHECK(first.claim == claim_key(std::nullopt, "b"));
  CHECK(first.first_index == 0);
  CHECK(first.index == 2);
  CHECK(first.kind == ReceiptKind::timed_out);
  CHECK(first.duration_us == 5);
  CHECK(first.result_hash == sha256("{}"));
  CHECK(first.receipt == sha256("id:{}"));
  const auto claims = log.audit.by_claim();
  const auto ids = log.audit.by_id();
  CHECK(log.audit.executions()[claims[0]].claim < log.audit.executions()[claims[1]].claim);
  CHECK(log.audit.executions()[ids[0]].id < log.audit.executions()[ids[1]].id);
}

TEST_CASE("times may go back") {
  Receipt earlier = attempt(ReceiptKind::executed, "b");
  earlier.at = plus_s(earlier.at, -20);
  CHECK(Audited({attempt(ReceiptKind::executed, "a"), earlier}).text().empty());
}

TEST_CASE("a nonce that is claimed twice is named by its second entry") {
  CHECK(Audited({attempt(ReceiptKind::executed, "a"), attempt(ReceiptKind::denied, "a"),
                 attempt(ReceiptKind::started, "a")})
            .text() == "claims: entry 2: its nonce was claimed before, by entry 0\n");
}

TEST_CASE("an id that two claims have is named") {
  Receipt other = attempt(ReceiptKind::executed, "b");
  other.id = attempt(ReceiptKind::executed, "a").id;
  CHECK(Audited({attempt(ReceiptKind::executed, "a"), other}).text().starts_with("claims: entry 1: its id "));
}

TEST_CASE("an approval is used once, also across an adoption and whatever the case of its id") {
  const Receipt one = approved(attempt(ReceiptKind::started, "a"), first_approval);
  CHECK(Audited({one, outcome_of(0, approved(attempt(ReceiptKind::executed, "a"), first_approval))}).text().empty());
  AdminChange change = adoption(2);
  change.mode = Mode::clawshield;
  change.tenant_id = "acme";
  const Audited log(
      {one, change, approved(attempt(ReceiptKind::executed, "b"), "67203E9D-7AF3-4CEC-B702-B95666250B1C")});
  CHECK(log.text() == "approvals: entry 2: its approval was used before, by entry 0\n");
  Receipt denied = approved(attempt(ReceiptKind::denied, "c"), first_approval);
  CHECK(Audited({one, denied}).text().empty());  // a denial uses none up
}

TEST_CASE("in ClawShield mode nothing is claimed without an approval that verified, and in demo mode with one") {
  Receipt none = approved(attempt(ReceiptKind::executed, "a"), first_approval);
  none.approval.reset();
  CHECK(Audited({none}).text() == "approvals: entry 0: it was claimed with no approval that verified\n");
  none.approval = ReceiptApproval{sha256("x"), std::nullopt, {}, {}};
  CHECK(Audited({none}).text() == "approvals: entry 0: it was claimed with no approval that verified\n");
}

TEST_CASE("entries of another mode are named") {
  CHECK(Audited({attempt(ReceiptKind::executed, "a"), approved(attempt(ReceiptKind::executed, "b"), first_approval)})
            .text() == "entries: entry 1: it is of clawshield mode, and the log is of demo mode\n");
}

TEST_CASE("an outcome must name its own start") {
  const Receipt started = attempt(ReceiptKind::started, "a");
  CHECK(Audited({started, outcome_of(5, attempt(ReceiptKind::executed, "a"))}).text() ==
        "claims: entry 1: it names entry 5 as its start, which is none\n");
  CHECK(Audited({attempt(ReceiptKind::executed, "b"), outcome_of(0, attempt(ReceiptKind::executed, "a"))}).text() ==
        "claims: entry 1: it names entry 0 as its start, which is none\n");
  CHECK(Audited({started, outcome_of(0, attempt(ReceiptKind::executed, "b"))}).text() ==
        "claims: entry 1: it names entry 0 as its start, which is of another attempt\n");
  CHECK(Audited({started, outcome_of(0, attempt(ReceiptKind::executed, "a")),
                 outcome_of(0, attempt(ReceiptKind::failed, "a"))})
            .text() == "claims: entry 2: a second outcome of entry 0, which has one in entry 1\n");
  CHECK(Audited({attempt(ReceiptKind::unknown, "a")}).text() ==
        "claims: entry 0: its outcome is unknown, and it names no start\n");
}

TEST_CASE("an epoch follows the one before it, under the same name") {
  CHECK(Audited({adoption(3)}).text() ==
        "entries: entry 0: it begins epoch 3 of vm1/openexec/epoch-3-66687aad, which does not follow epoch 1\n");
  AdminChange other_key = adoption(2);
  other_key.log_key = to_vkey({other_key.origin, NoteKeyType::ed25519, {{1}}});
  CHECK(Audited({other_key}).text().starts_with("entries: entry 0: it begins epoch 2"));
  CHECK(Audited({adoption(2), adoption(2)}).text().starts_with("entries: entry 1: it begins epoch 2"));
  CHECK(Audited({adoption(2), adoption(3, "vm2/openexec")}).text().starts_with("entries: entry 1: it begins epoch 3"));
}

TEST_CASE("a leaf that cannot be read is named, and nothing is held against what refers to it") {
  LogFindings findings;
  LogAudit audit(findings);
  audit.add("{");
  audit.add_missing();
  audit.add(to_leaf(outcome_of(0, attempt(ReceiptKind::executed, "a"))));
  audit.add(to_leaf(outcome_of(1, attempt(ReceiptKind::executed, "b"))));
  audit.finish();
  REQUIRE(findings.total() == 1);
  CHECK(findings.problems()[0].text.starts_with("entry 0: "));
  CHECK(audit.unreadable() == 2);
  CHECK(audit.executions().size() == 2);
  CHECK(audit.executions()[0].first_index == 0);
}

TEST_CASE("a leaf with more or less white space, another order or another spelling is none") {
  const std::string leaf = to_leaf(attempt(ReceiptKind::executed, "a"));
  for (const std::string& other : {leaf + " ", " " + leaf, leaf + "\n", leaf.substr(1), std::string("{}")}) {
    LogFindings findings;
    LogAudit audit(findings);
    audit.add(other);
    CHECK(findings.count(LogPart::entries) == 1);
  }
}

}  // namespace
}  // namespace openexec
