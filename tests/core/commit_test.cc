// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/commit.h"

#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/log_tree.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/approval.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::noon;

struct Fixture {
  test::TempDir dir;
  std::unique_ptr<Store> store;
  CommitRules rules;
  std::optional<Checkpoint> log;  // of the last commit

  explicit Fixture(std::size_t map_size_bytes = std::size_t{64} << 20) {
    StoreOptions options = test::store_options(test::clawshield_policy(), dir);
    options.map_size_bytes = map_size_bytes;
    store = test::open_store(options);
  }
  std::vector<OpResult> commit(const std::vector<Op>& ops, UtcTime now = noon()) {
    auto committed = commit_ops(*store, test::log_signer(), rules, now, ops);
    INFO((committed ? std::string() : committed.error().message));
    REQUIRE(committed.has_value());
    REQUIRE(committed->results.size() == ops.size());
    store->publish(committed->keys);
    log = committed->log;
    return std::move(committed->results);
  }
  OpResult commit_one(Op op, UtcTime now = noon()) {
    std::vector<Op> ops;
    ops.push_back(std::move(op));
    return commit(ops, now).front();
  }
  void put_meta(std::string_view key, std::string_view value) const {
    auto txn = store->write();
    REQUIRE(txn.has_value());
    REQUIRE(txn->put(Table::meta, key, value).has_value());
    REQUIRE(txn->commit().has_value());
  }
};

std::shared_ptr<const Attempt> attempt(std::string_view nonce, std::string_view payload = "{}") {
  return std::make_shared<const Attempt>(
      test::attempt_of(test::clawshield_policy(), test::request("echo", payload, nonce)));
}
std::shared_ptr<const RunResult> ran(std::string result = R"({"a": 1})") {
  return std::make_shared<const RunResult>(RunResult{ReceiptKind::executed, std::move(result), 5});
}
ApprovalUse use(std::string_view approval_id, std::int64_t expires_s = 300) {
  return {approval_key(test::tenant, approval_id), noon(), plus_s(noon(), expires_s)};
}
template <typename... Ops>
std::vector<Op> batch_of(Ops... ops) {
  std::vector<Op> out;
  (out.emplace_back(std::move(ops)), ...);
  return out;
}
Reason denied_reason(const OpResult& result) {
  REQUIRE(std::holds_alternative<Denied>(result));
  return std::get<Denied>(result).error.reason;
}
std::string not_taken_message(const OpResult& result) {
  REQUIRE(std::holds_alternative<NotTaken>(result));
  CHECK(std::get<NotTaken>(result).error.reason == Reason::store_unavailable);
  return std::get<NotTaken>(result).error.message;
}

TEST_CASE("a claim leaves a started entry, then its outcome leaves another that points back") {
  Fixture f;
  const auto a = attempt("n");
  const OpResult claimed = f.commit_one(Claim{a, std::nullopt, nullptr});
  REQUIRE(std::holds_alternative<Claimed>(claimed));
  CHECK(std::get<Claimed>(claimed).started_index == 0);
  const OpResult recorded = f.commit_one(Outcome{a, ran()}, plus_s(noon(), 2));
  REQUIRE(std::holds_alternative<Recorded>(recorded));
  CHECK(std::get<Recorded>(recorded).index == 1);
  CHECK(std::get<Recorded>(recorded).at == plus_s(noon(), 2));

  const auto log = test::entries(*f.store);
  REQUIRE(log.size() == 2);
  CHECK(log[0] == receipt_of(*a, ReceiptKind::started, noon()));
  CHECK(log[1].kind == ReceiptKind::executed);
  CHECK(log[1].started == 0);
  CHECK(log[1].duration_us == 5);
  CHECK(log[1].result_hash == sha256(R"({"a": 1})"));
  CHECK(log[1].receipt == seed_receipt(to_uuid_text(a->id), R"({"a": 1})"));
}

TEST_CASE("a claim that comes finished leaves its outcome's entry alone") {
  Fixture f;
  const auto a = attempt("n");
  CHECK(std::holds_alternative<Recorded>(f.commit_one(Claim{a, std::nullopt, ran()})));
  const auto log = test::entries(*f.store);
  REQUIRE(log.size() == 1);
  CHECK(log[0].kind == ReceiptKind::executed);
  CHECK_FALSE(log[0].started.has_value());
  CHECK_FALSE(f.store->read()->next(Table::open, "").value().has_value());
}

TEST_CASE("of one request twice in a batch the first is claimed and the second knows it") {
  Fixture f;
  const auto results =
      f.commit(batch_of(Claim{attempt("n"), std::nullopt, nullptr}, Claim{attempt("n"), std::nullopt, nullptr}));
  CHECK(std::holds_alternative<Claimed>(results[0]));
  REQUIRE(std::holds_alternative<AlreadyClaimed>(results[1]));
  CHECK(std::get<AlreadyClaimed>(results[1]).claim.state == ClaimState::running);
  CHECK(test::entries(*f.store).size() == 1);
}

TEST_CASE("a claim of a finished request is given what it came to, and writes nothing") {
  Fixture f;
  f.commit_one(Claim{attempt("n"), std::nullopt, ran()});
  const OpResult again = f.commit_one(Claim{attempt("n"), std::nullopt, ran("{}")});
  REQUIRE(std::holds_alternative<AlreadyClaimed>(again));
  CHECK(std::get<AlreadyClaimed>(again).claim.outcome->run.result == R"({"a": 1})");
  CHECK(test::entries(*f.store).size() == 1);
}

TEST_CASE("a nonce with another request is denied, with an entry, and does not touch its neighbours") {
  Fixture f;
  const auto results = f.commit(batch_of(Claim{attempt("n"), std::nullopt, ran()},
                                         Claim{attempt("n", R"({"x":1})"), std::nullopt, ran()},
                                         Claim{attempt("m"), std::nullopt, ran()}));
  CHECK(std::holds_alternative<Recorded>(results[0]));
  CHECK(denied_reason(results[1]) == Reason::nonce_reused);
  CHECK(std::get<Denied>(results[1]).index == 1U);
  CHECK(std::holds_alternative<Recorded>(results[2]));
  const auto log = test::entries(*f.store);
  REQUIRE(log.size() == 3);
  CHECK(log[1].kind == ReceiptKind::denied);
  CHECK(log[1].reason == Reason::nonce_reused);
}

TEST_CASE("one approval is used once, also by two nonces in one batch, in whatever case its id is written") {
  Fixture f;
  const std::string id = "67203e9d-7af3-4cec-b702-b95666250b1c";
  const auto results = f.commit(batch_of(Claim{attempt("a"), use(id), ran()},
                                         Claim{attempt("b"), use("67203E9D-7AF3-4CEC-B702-B95666250B1C"), ran()},
                                         Claim{attempt("c"), use("67203e9d-7af3-4cec-b702-b95666250b1d"), ran()}));
  CHECK(std::holds_alternative<Recorded>(results[0]));
  CHECK(denied_reason(results[1]) == Reason::approval_used);
  CHECK(std::holds_alternative<Recorded>(results[2]));
  CHECK(denied_reason(f.commit_one(Claim{attempt("d"), use(id), ran()})) == Reason::approval_used);
}

TEST_CASE("a denied claim uses up neither its nonce nor its approval") {
  Fixture f;
  CHECK(denied_reason(f.commit_one(Claim{attempt("n"), use("id", 10), ran()}, plus_s(noon(), 10))) ==
        Reason::approval_expired);
  CHECK(std::holds_alternative<Recorded>(f.commit_one(Claim{attempt("n"), use("id"), ran()}, plus_s(noon(), 10))));
}

TEST_CASE("an approval's time is checked at the commit, by the commit's clock") {
  Fixture f;
  const Op op = Claim{attempt("n"), use("id", 10), ran()};
  CHECK(denied_reason(f.commit_one(op, plus_s(noon(), 10))) == Reason::approval_expired);
  CHECK(denied_reason(f.commit_one(
            Claim{attempt("n"), ApprovalUse{approval_key(test::tenant, "id"), plus_s(noon(), 41), plus_s(noon(), 300)},
                  ran()},
            plus_s(noon(), 10))) == Reason::approval_not_yet_valid);
}

TEST_CASE("an id that another claim has is refused") {
  Fixture f;
  f.commit_one(Claim{attempt("n"), std::nullopt, ran()});
  Attempt twin = *attempt("m");
  twin.id = attempt("n")->id;
  CHECK(denied_reason(f.commit_one(Claim{std::make_shared<const Attempt>(twin), std::nullopt, ran()})) ==
        Reason::nonce_reused);
}

TEST_CASE("a denial is an entry with its reason") {
  Fixture f;
  const OpResult result = f.commit_one(Denial{attempt("n"), Reason::unknown_action});
  CHECK(denied_reason(result) == Reason::unknown_action);
  CHECK(std::get<Denied>(result).index == 0U);
  CHECK(test::entries(*f.store).at(0).reason == Reason::unknown_action);
}

TEST_CASE("an outcome without its running claim is not recorded") {
  Fixture f;
  CHECK(std::holds_alternative<NotTaken>(f.commit_one(Outcome{attempt("n"), ran()})));
  f.commit_one(Claim{attempt("n"), std::nullopt, nullptr});
  CHECK(std::holds_alternative<NotTaken>(f.commit_one(Outcome{attempt("n", R"({"x":1})"), ran()})));
  CHECK(std::holds_alternative<Recorded>(f.commit_one(Outcome{attempt("n"), ran()})));
  CHECK(std::holds_alternative<NotTaken>(f.commit_one(Outcome{attempt("n"), ran("{}")})));
  CHECK(test::entries(*f.store).size() == 2);
}

TEST_CASE("a clock behind the stored floor by more than the skew claims nothing until it catches up") {
  Fixture f;
  f.commit_one(Claim{attempt("n"), std::nullopt, ran()}, plus_s(noon(), 100));
  const Op op = Claim{attempt("m"), std::nullopt, ran()};
  const std::string said = not_taken_message(f.commit_one(op, plus_s(noon(), 69)));
  CHECK(said.find("2026-11-21T12:01:09.000000Z") != std::string::npos);
  CHECK(said.find("2026-11-21T12:01:40.000000Z") != std::string::npos);
  CHECK(std::holds_alternative<AlreadyClaimed>(f.commit_one(Claim{attempt("n"), std::nullopt, ran()}, noon())));
  CHECK(std::holds_alternative<Recorded>(f.commit_one(op, plus_s(noon(), 70))));
}

TEST_CASE("the clock floor never goes back") {
  Fixture f;
  f.commit_one(Denial{attempt("a"), Reason::unknown_action}, plus_s(noon(), 100));
  f.commit_one(Denial{attempt("b"), Reason::unknown_action}, noon());
  not_taken_message(f.commit_one(Claim{attempt("m"), std::nullopt, ran()}, plus_s(noon(), 60)));
}

TEST_CASE("a clock floor that cannot be read stops every commit, and nothing crashes") {
  for (const std::string& floor : {std::string("x"), std::string(8, '\xff'), std::string(8, '\x7f'), std::string()}) {
    Fixture f;
    f.put_meta("clock_floor", floor);
    const std::vector<Op> ops = batch_of(Claim{attempt("n"), std::nullopt, ran()});
    const auto results = commit_ops(*f.store, test::log_signer(), f.rules, noon(), ops);
    REQUIRE_FALSE(results.has_value());
    CHECK(results.error().message == "the store is damaged: its clock_floor cannot be read");
    CHECK(test::entries(*f.store).empty());
  }
}

TEST_CASE("above the warning mark denials are only counted, and claims go on") {
  Fixture f;
  f.rules.warn_percent = 0;
  const OpResult denied = f.commit_one(Denial{attempt("n"), Reason::unknown_action});
  CHECK(denied_reason(denied) == Reason::unknown_action);
  CHECK_FALSE(std::get<Denied>(denied).index.has_value());
  CHECK(std::holds_alternative<Recorded>(f.commit_one(Claim{attempt("n"), std::nullopt, ran()})));
  CHECK(test::entries(*f.store).size() == 1);
}

TEST_CASE("above the full mark nothing is claimed, and outcomes are still recorded") {
  Fixture f;
  f.commit_one(Claim{attempt("n"), std::nullopt, nullptr});
  f.rules.full_percent = 0;
  const std::string said = not_taken_message(f.commit_one(Claim{attempt("m"), std::nullopt, ran()}));
  CHECK(said.find("raise [store] map_size") != std::string::npos);
  CHECK(std::holds_alternative<Recorded>(f.commit_one(Outcome{attempt("n"), ran()})));
}

TEST_CASE("a claim that has no room is refused alone: its neighbours in the batch are not") {
  Fixture f(std::size_t{1} << 20);
  const std::string large(std::size_t{400} << 10, 'x');
  const auto results =
      f.commit(batch_of(Claim{attempt("a"), std::nullopt, ran(large)}, Claim{attempt("b"), std::nullopt, ran(large)},
                        Claim{attempt("c"), std::nullopt, ran(large)}, Claim{attempt("d"), std::nullopt, ran()}));
  CHECK(std::holds_alternative<Recorded>(results[0]));
  CHECK(std::holds_alternative<Recorded>(results[3]));
  not_taken_message(results[2]);
}

TEST_CASE("a small store fills up to its mark without one failed transaction") {
  Fixture f(std::size_t{1} << 20);
  bool full = false;
  for (int batch = 0; batch < 200; ++batch) {
    std::vector<Op> ops;
    for (int i = 0; i < 40; ++i) {
      const std::string nonce = std::to_string(batch) + "-" + std::to_string(i);
      ops.emplace_back(Claim{attempt(nonce), use(nonce), ran()});
      ops.emplace_back(Denial{attempt(nonce), Reason::unknown_action});
    }
    for (const OpResult& result : f.commit(ops)) {
      full = full || std::holds_alternative<NotTaken>(result);
    }
  }
  CHECK(full);
  CHECK(f.store->used_percent() >= 70);
}

TEST_CASE("a damaged claim is an error of the store and nothing is written") {
  Fixture f;
  const auto a = attempt("n");
  f.commit_one(Claim{a, std::nullopt, ran()});
  auto txn = f.store->write();
  REQUIRE(txn.has_value());
  REQUIRE(txn->put(Table::claims, to_big_endian(std::uint64_t{0}), "garbage").has_value());
  REQUIRE(txn->commit().has_value());
  for (const Op& op : batch_of(Claim{a, std::nullopt, ran()}, Outcome{a, ran()})) {
    CHECK_FALSE(commit_ops(*f.store, test::log_signer(), f.rules, noon(), {&op, 1}).has_value());
  }
  CHECK(test::entries(*f.store).size() == 1);
}

TEST_CASE("each commit that adds entries signs one checkpoint over all of them, in the same transaction") {
  Fixture f;
  const auto latest = [&] {
    const auto txn = f.store->read();
    REQUIRE(txn.has_value());
    const auto note = read_note(latest_checkpoint(*txn).value());
    REQUIRE(note.has_value());
    return open_checkpoint(*note, test::log_signer().key()).value();
  };
  std::vector<Checkpoint> seen;
  for (const int count : {1, 2, 5, 1, 64}) {
    std::vector<Op> ops;
    for (int i = 0; i < count; ++i) {
      ops.emplace_back(Denial{attempt(std::to_string(i)), Reason::unknown_action});
    }
    f.commit(ops);
    REQUIRE(f.log.has_value());
    CHECK(latest() == *f.log);
    seen.push_back(*f.log);
  }
  CHECK(seen.back().size == 73);
  const auto txn = f.store->read();
  REQUIRE(txn.has_value());
  for (const Checkpoint& earlier : seen) {
    CHECK(verify_consistency(earlier.size, seen.back().size, earlier.root, seen.back().root,
                             consistency_proof(*txn, earlier.size, seen.back().size).value()));
  }
}

TEST_CASE("a commit that adds no entry signs nothing") {
  Fixture f;
  f.commit_one(Claim{attempt("n"), std::nullopt, ran()});
  f.commit_one(Claim{attempt("n"), std::nullopt, ran()});
  CHECK_FALSE(f.log.has_value());
}

TEST_CASE("a denial that may have no entry gets none, whatever it is denied for") {
  Fixture f;
  f.commit_one(Claim{attempt("n"), use("67203e9d-7af3-4cec-b702-b95666250b1c"), ran()});
  Claim other{attempt("n", R"({"b":1})"), std::nullopt, ran()};
  other.enter_denial = false;
  Claim used{attempt("m"), use("67203e9d-7af3-4cec-b702-b95666250b1c"), ran()};
  used.enter_denial = false;
  for (const auto& [op, reason] : {std::pair{other, Reason::nonce_reused}, std::pair{used, Reason::approval_used}}) {
    const OpResult result = f.commit_one(op);
    CHECK(denied_reason(result) == reason);
    CHECK_FALSE(std::get<Denied>(result).index.has_value());
  }
  CHECK(test::entries(*f.store).size() == 1);
}

TEST_CASE("a summary is an entry, also where denials get none, but not in the room that is kept for outcomes") {
  Fixture f;
  f.rules.warn_percent = 0;
  f.rules.registry = sha256(std::string_view("registry"));
  const Summary summary{{{1000, Reason::unknown_action, 7}, {1000, std::nullopt, 2}}, noon()};
  const OpResult done = f.commit_one(summary, plus_s(noon(), 60));
  REQUIRE(std::holds_alternative<Recorded>(done));
  const auto leaves = test::leaves(*f.store);
  REQUIRE(leaves.size() == 1);
  const auto* written = std::get_if<DeniedSummary>(leaves.data());
  REQUIRE(written != nullptr);
  CHECK(*written == DeniedSummary{plus_s(noon(), 60), noon(), std::string(test::tenant), Mode::clawshield,
                                  f.rules.registry, summary.rows});
  f.rules.full_percent = 0;
  not_taken_message(f.commit_one(summary));
}

TEST_CASE("an approval from before the store was put back to an older copy is refused, a later one is taken") {
  Fixture f;
  {
    auto txn = f.store->write();
    REQUIRE(txn.has_value());
    REQUIRE(put_approvals_floor(*txn, plus_s(noon(), 1)).has_value());
    REQUIRE(txn->commit().has_value());
  }
  const OpResult before = f.commit_one(Claim{attempt("a"), use("a"), ran()});
  CHECK(denied_reason(before) == Reason::approval_expired);
  ApprovalUse later = use("b");
  later.issued = plus_s(noon(), 1);
  CHECK(std::holds_alternative<Recorded>(f.commit_one(Claim{attempt("b"), later, ran()})));
}

Note cosigned_note(const Checkpoint& checkpoint, std::string_view witness) {
  Note note = read_note(sign_checkpoint(test::log_signer(), checkpoint)).value();
  const NoteSigner signer(std::string(witness), NoteKeyType::cosignature, test::approver_key());
  note.signatures.push_back(cosign(signer, note.text, 1));
  return note;
}

TEST_CASE("the latest cosigned checkpoint is kept, with what every witness said of it") {
  Fixture f;
  const Checkpoint first{std::string(test::origin), 1, sha256(std::string_view("1"))};
  const Checkpoint second{std::string(test::origin), 2, sha256(std::string_view("2"))};
  const auto kept = [&] {
    const auto txn = f.store->read();
    REQUIRE(txn.has_value());
    return read_note(cosigned_checkpoint(*txn).value().value()).value();
  };
  const auto keep = [&](const Checkpoint& checkpoint, std::string_view witness) {
    CHECK(std::holds_alternative<Kept>(f.commit_one(Cosigning{checkpoint.size, cosigned_note(checkpoint, witness)})));
  };
  keep(first, "w1");
  CHECK(kept() == cosigned_note(first, "w1"));
  keep(second, "w1");
  keep(first, "w2");  // late
  CHECK(kept() == cosigned_note(second, "w1"));
  keep(second, "w2");
  CHECK(kept().signatures.size() == 3);
  keep(second, "w2");
  CHECK(kept().signatures.size() == 3);
}

}  // namespace
}  // namespace openexec
