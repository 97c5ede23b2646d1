// SPDX-License-Identifier: Apache-2.0
#include "tests/core/checked_store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/core/receipt_log.h"
#include "daemon/core/recovery.h"
#include "proto-json/execution_id.h"
#include "tests/support/catch.h"

namespace openexec::test {

CheckedStore::CheckedStore() {
  StoreOptions options = store_options(clawshield_policy(), dir_);
  options.key_run_min = 3;  // some keys are in their tables, and some are not
  store_ = open_store(options);
  recover_all();
}

OpResult CheckedStore::commit(Op op) {
  now_ = plus_s(now_, 1);
  auto committed = commit_ops(*store_, signer_, {}, now_, {&op, 1});
  INFO((committed ? std::string() : committed.error().message));
  REQUIRE(committed.has_value());
  store_->publish(committed->keys);
  return std::move(committed->results.front());
}

std::shared_ptr<const Attempt> CheckedStore::claim(std::string_view nonce, const std::optional<RunResult>& pure) {
  ++approvals_;
  const std::string id = "67203e9d-7af3-4cec-b702-00000000" + std::to_string(1000 + approvals_);
  Attempt attempt = attempt_of(clawshield_policy(), approved(request("test.effect", R"({"a":1})", nonce), {id}));
  attempt.approval->id = id;
  attempt.approval->key_ids = {std::string(64, 'a')};
  attempt.approval->approvers = {"ops"};
  attempt.trace_id = "trace";
  const auto shared = std::make_shared<const Attempt>(std::move(attempt));
  const OpResult result = commit(Claim{shared, ApprovalUse{approval_key(tenant, id), noon(), plus_s(noon(), 86400)},
                                       pure ? std::make_shared<const RunResult>(*pure) : nullptr});
  CHECK((pure ? std::holds_alternative<Recorded>(result) : std::holds_alternative<Claimed>(result)));
  return shared;
}

void CheckedStore::finish(const std::shared_ptr<const Attempt>& attempt, ReceiptKind kind) {
  CHECK(std::holds_alternative<Recorded>(
      commit(Outcome{attempt, std::make_shared<const RunResult>(RunResult{kind, R"({"exit_code": 0})", 1500})})));
}

void CheckedStore::deny(std::string_view nonce) {
  const auto attempt =
      std::make_shared<const Attempt>(attempt_of(clawshield_policy(), approved(request("test.effect", "{}", nonce))));
  CHECK(std::holds_alternative<Denied>(commit(Denial{attempt, Reason::action_not_allowed})));
}

void CheckedStore::summarize() {
  CHECK(std::holds_alternative<Recorded>(commit(Summary{{{1000, Reason::unknown_action, 7}}, now_})));
}

void CheckedStore::recover_all() {
  now_ = plus_s(now_, 1);
  REQUIRE(recover(*store_, signer_, now_, {}).has_value());
}

void CheckedStore::fill() {
  claim("pure", RunResult{ReceiptKind::executed, R"({"echo": {"a": 1}})", 0});
  deny("denied");
  const auto one = claim("executed");
  const auto two = claim("failed");
  finish(two, ReceiptKind::failed);
  const auto three = claim("timed out");
  finish(one, ReceiptKind::executed);
  finish(three, ReceiptKind::timed_out);
  claim("unknown");
  recover_all();
  summarize();
  claim("running");
}

NoteKey CheckedStore::cosign() {
  std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
  seed.fill(9);
  const NoteSigner witness("audit.example/w1", NoteKeyType::cosignature, SecretKey::from_seed(seed));
  auto note = read_note(latest_checkpoint(store_->read().value()).value()).value();
  note.signatures.push_back(openexec::cosign(witness, note.text, 1'790'000'000));
  const std::uint64_t size = read_checkpoint_text(note.text).value().size;
  CHECK(std::holds_alternative<Kept>(commit(Cosigning{size, note})));
  return witness.key();
}

LogReport CheckedStore::check(const StoreCheckRules& rules) const {
  return check_store(*store_, rules, [](std::string_view, std::uint64_t, std::uint64_t) {});
}

LogReport CheckedStore::check_good(const StoreCheckRules& rules) const {
  LogReport report = check(rules);
  INFO(lines_of(report));
  CHECK(report.ok());
  return report;
}

void CheckedStore::put(Table table, std::string_view key, std::string_view value) {
  auto txn = store_->write();
  REQUIRE(txn.has_value());
  REQUIRE(txn->put(table, key, value).has_value());
  REQUIRE(txn->commit().has_value());
}

void CheckedStore::erase(Table table, std::string_view key) {
  auto txn = store_->write();
  REQUIRE(txn.has_value());
  REQUIRE(txn->erase(table, key).has_value());
  REQUIRE(txn->commit().has_value());
}

std::vector<CheckedStore::Row> CheckedStore::rows(Table table) const {
  const auto txn = store_->read();
  REQUIRE(txn.has_value());
  auto scan = txn->scan(table);
  REQUIRE(scan.has_value());
  std::vector<Row> out;
  for (auto row = scan->next().value(); row; row = scan->next().value()) {
    out.push_back({std::string(row->key), std::string(row->value)});
  }
  return out;
}

bool names(const LogReport& report, std::string_view part, std::string_view other) {
  return std::ranges::any_of(report.findings.problems(), [&](const LogProblem& problem) {
    return problem.text.find(part) != std::string::npos && problem.text.find(other) != std::string::npos;
  });
}

std::string lines_of(const LogReport& report) {
  std::string out;
  for (const LogProblem& problem : report.findings.problems()) {
    out += std::string(to_text(problem.part)) + ": " + problem.text + "\n";
  }
  return out;
}

}  // namespace openexec::test
