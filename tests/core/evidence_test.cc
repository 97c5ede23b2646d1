// SPDX-License-Identifier: Apache-2.0
// What the log shows: proofs and checkpoints as a caller gets them, checked with the log's public key alone.
#include "daemon/core/evidence.h"

#include <fmt/format.h>

#include "daemon/core/log_tree.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "proto-json/text_lines.h"
#include "proto-json/tlog_proof.h"
#include "tests/core/served.h"
#include "tests/support/catch.h"
#include "tests/support/note_keys.h"

namespace openexec {
namespace {

using test::open_policy;
using test::Served;

constexpr std::uint32_t reader_uid = 3000;

Policy with_reader(Policy policy = open_policy()) {
  policy.reader_uids = {reader_uid};
  return policy;
}

struct Proved {
  TlogProof proof;
  ProofExtra extra;
  Note note;
  Checkpoint checkpoint;
};

// The proof, checked as its holder would.
Proved checked(const std::string& text) {
  const auto proof = read_tlog_proof(text);
  REQUIRE(proof.has_value());
  const auto extra = read_extra(proof->extra.value_or(""));
  REQUIRE(extra.has_value());
  const auto note = read_note(proof->checkpoint);
  REQUIRE(note.has_value());
  const auto checkpoint = open_checkpoint(*note, test::log_signer().key());
  REQUIRE(checkpoint.has_value());
  CHECK(verify_inclusion(leaf_hash(extra->leaf), proof->index, checkpoint->size, proof->hashes, checkpoint->root));
  return {*proof, *extra, *note, *checkpoint};
}

void echo(Served& served, const std::string& nonce) {
  served.call("execute", R"({"action":"echo","nonce":")" + nonce + R"("})");
}

TEST_CASE("a result comes with its proof when that is asked for, and only then") {
  Served served;
  echo(served, "before");
  const Json result = served.result("execute", R"({"action":"echo","nonce":"n","proof":true})");
  const Proved proved = checked(string_member(result, "proof"));
  CHECK(proved.proof.index == 1);
  CHECK(read_leaf(proved.extra.leaf) == LeafContent(served.world.log().at(1)));
  CHECK_FALSE(proved.extra.approval.has_value());
  CHECK(served.result("execute", R"({"action":"echo","nonce":"m"})").find("proof") == nullptr);
  const Json replay = served.result("execute", R"({"action":"echo","nonce":"n","proof":true})");
  CHECK(checked(string_member(replay, "proof")).checkpoint.size == 3);
}

TEST_CASE("every receipt that can be got comes with a proof of it") {
  Served served(with_reader());
  served.call("execute", R"({"action":"ghost","nonce":"a"})");
  echo(served, "b");
  served.world.ask(test::request(test::effect_action, "{}", "c"));
  served.crash();
  for (int index = 0; index < 4; ++index) {
    const Json found = served.result("receipts/get", R"({"index":)" + std::to_string(index) + "}", reader_uid);
    const Proved proved = checked(string_member(found, "proof"));
    CHECK(proved.proof.index == static_cast<std::uint64_t>(index));
    CHECK(proved.extra.leaf == to_leaf(receipt_from_json(member(found, "receipt")).value()));
  }
}

TEST_CASE("a proof carries the approval as it was presented, also while the outcome is not known") {
  Served served(test::clawshield_policy());
  const ExecuteRequest request = test::approved(test::request(test::effect_action, "{}", "n"));
  served.world.ask(request);
  const auto approval_in_proof = [&](std::uint64_t index) {
    const auto txn = served.world.committer().store()->read();
    REQUIRE(txn.has_value());
    return checked(proof_of(*txn, index).value()).extra.approval;
  };
  CHECK(approval_in_proof(0) == request.approval_artifact);
  served.world.runner().finish();
  served.world.settle();
  CHECK(approval_in_proof(1) == request.approval_artifact);

  ExecuteRequest unsigned_one = test::approved(test::request("echo", "{}", "m"));
  unsigned_one.payload = test::json(R"({"other":1})");
  served.world.ask(unsigned_one);
  CHECK_FALSE(approval_in_proof(2).has_value());  // a denial shows no approval, though its id has been used
}

TEST_CASE("a result that is another user's comes without its proof, which would show their receipt") {
  Served served(with_reader());
  constexpr std::string_view request = R"({"action":"echo","nonce":"n","trace_id":"secret","proof":true})";
  CHECK(served.result("execute", request, 1000).find("proof") != nullptr);
  const Json replay = served.result("execute", request, 1001);
  CHECK(bool_member(replay, "replayed"));
  CHECK(replay.find("proof") == nullptr);
  CHECK(served.result("execute", request, reader_uid).find("proof") != nullptr);
}

TEST_CASE("a stored checkpoint that is not of this log proves nothing, and the daemon goes on") {
  Served served(with_reader());
  echo(served, "a");
  for (const std::uint64_t size : {0U, 2U}) {
    auto txn = served.world.committer().real_store().write();
    REQUIRE(txn.has_value());
    const Checkpoint wrong{std::string(test::origin), size, {}};
    REQUIRE(txn->put(Table::checkpoints, "latest", sign_checkpoint(test::log_signer(), wrong)).has_value());
    REQUIRE(txn->commit().has_value());
    CHECK(served.reason("receipts/get", R"({"index":0})", reader_uid) == "internal");
  }
}

TEST_CASE("the checkpoint is the signed one of all that is durable") {
  Served served;
  for (int count = 0; count < 3; ++count) {
    const Json shown = served.result("log/checkpoint");
    const auto note = read_note(string_member(shown, "checkpoint"));
    REQUIRE(note.has_value());
    CHECK(open_checkpoint(*note, test::log_signer().key()).value().size == static_cast<std::uint64_t>(count));
    CHECK(shown.find("cosigned") == nullptr);
    echo(served, std::to_string(count));
  }
}

TEST_CASE("entries come in pages, each caller's own and null for the others") {
  Served served(with_reader());
  served.call("execute", R"({"action":"echo","nonce":"a"})", 1000);
  served.call("execute", R"({"action":"echo","nonce":"b"})", 1001);
  served.call("execute", R"({"action":"echo","nonce":"c"})", 1000);
  const auto kinds = [&](std::string_view params, std::uint32_t uid) {
    const Json page = served.result("log/entries", params, uid);
    CHECK(member(page, "size") == Json(3));
    std::string out;
    for (const Json& entry : *member(page, "entries").if_array()) {
      out += entry.is_null() ? "-" : string_member(entry, "nonce");
    }
    return out;
  };
  CHECK(kinds(R"({"start":0})", reader_uid) == "abc");
  CHECK(kinds(R"({"start":0})", 1000) == "a-c");
  CHECK(kinds(R"({"start":1,"limit":1})", reader_uid) == "b");
  CHECK(kinds(R"({"start":3})", reader_uid).empty());
  CHECK(kinds(R"({"start":9223372036854775807})", reader_uid).empty());
}

TEST_CASE("a summary is read by those who may read everything, and by nobody else") {
  Policy policy = with_reader();
  policy.denied_entries_per_second = 0;
  Served served(policy);
  served.call("execute", R"({"action":"ghost","nonce":"a"})");
  served.world.clock().advance_s(limits::summary_window_s);
  served.world.engine().tick();
  served.world.settle();
  CHECK(string_member(served.receipt(R"({"index":0})", reader_uid), "kind") == "denied_summary");
  CHECK(served.reason("receipts/get", R"({"index":0})") == "receipt_not_found");
  CHECK(member(served.result("log/entries", R"({"start":0})"), "entries") == parsed("[null]"));
}

TEST_CASE("a page ends before it is too long, but is never empty while there is more") {
  Served served(with_reader());
  const std::string nonce(limits::nonce_bytes_max - 6, 'n');
  const std::size_t count = limits::log_entries_max + 5;
  for (std::size_t i = 0; i < count; ++i) {
    echo(served, nonce + std::to_string(i));
  }
  CHECK(member(served.result("log/entries", R"({"start":0})", reader_uid), "entries").if_array()->size() ==
        limits::log_entries_max);
  CHECK(member(served.result("log/entries", R"({"start":256})", reader_uid), "entries").if_array()->size() == 5);
}

TEST_CASE("inclusion and consistency are proved for any size the log had, to anybody") {
  Served served;
  for (int i = 0; i < 7; ++i) {
    echo(served, std::to_string(i));
  }
  const auto txn = served.world.committer().store()->read();
  REQUIRE(txn.has_value());
  const auto root_at = [&](std::uint64_t size) { return tree_root(*txn, size).value(); };
  const auto hashes_of = [](const Json& answer) {
    std::vector<Hash> out;
    for (const Json& line : *member(answer, "hashes").if_array()) {
      out.push_back(read_base64_hash(*line.if_string()).value());
    }
    return out;
  };
  for (std::uint64_t size = 1; size <= 7; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const Json answer = served.result("log/inclusion", fmt::format(R"({{"index":{},"size":{}}})", index, size), 4711);
      CHECK(verify_inclusion(leaf_hash(**leaf_at(*txn, index)), index, size, hashes_of(answer), root_at(size)));
    }
    for (std::uint64_t from = 0; from <= size; ++from) {
      const Json answer = served.result("log/consistency", fmt::format(R"({{"from":{},"to":{}}})", from, size), 4711);
      CHECK(verify_consistency(from, size, root_at(from), root_at(size), hashes_of(answer)));
    }
  }
  CHECK(member(served.result("log/inclusion", R"({"index":2})"), "size") == Json(7));
  CHECK(member(served.result("log/consistency", R"({"from":2})"), "size") == Json(7));
}

TEST_CASE("a proof of what the log never had is refused, naming the member") {
  Served served;
  echo(served, "n");
  for (const std::string_view params : {R"({"index":1})", R"({"index":0,"size":2})", R"({"index":0,"size":0})",
                                        R"({"index":9223372036854775807,"size":9223372036854775807})"}) {
    CHECK(served.reason("log/inclusion", params) == "invalid_params");
  }
  for (const std::string_view params : {R"({"from":2})", R"({"from":0,"to":2})", R"({"from":1,"to":0})"}) {
    CHECK(served.reason("log/consistency", params) == "invalid_params");
  }
}

// --- cosignatures ---

const NoteSigner& witness(int number) {
  static const std::vector<NoteSigner> all = [] {
    init_crypto();
    std::vector<NoteSigner> out;
    for (const char* const name : {"w.example/1", "w.example/2", "w.example/stranger"}) {
      out.push_back(test_witness(name));
    }
    return out;
  }();
  return all.at(static_cast<std::size_t>(number));
}

Policy witnessed() {
  Policy policy = with_reader();
  policy.witnesses = {witness(0).key(), witness(1).key()};
  return policy;
}

std::string cosigned_params(const std::string& checkpoint, const std::vector<const NoteSigner*>& by) {
  const Note note = read_note(checkpoint).value();
  std::string lines;
  for (const NoteSigner* signer : by) {
    lines += to_signature_line(cosign(*signer, note.text, 1'795'262'400));
  }
  return to_compact(Json::object({{"checkpoint", checkpoint}, {"cosignatures", lines}}));
}

TEST_CASE("what witnesses answer is kept, and goes into every proof that it covers") {
  Served served(witnessed());
  echo(served, "a");
  const std::string first = string_member(served.result("log/checkpoint"), "checkpoint");
  const Json kept = served.result("log/cosigned", cosigned_params(first, {&witness(2), &witness(0)}), reader_uid);
  CHECK(member(kept, "size") == Json(1));
  CHECK(member(kept, "witnesses") == parsed(R"(["w.example/1"])"));
  served.result("log/cosigned", cosigned_params(first, {&witness(1)}), reader_uid);
  echo(served, "b");

  const Json covered = served.result("receipts/get", R"({"nonce":"a"})");
  const Proved proved = checked(string_member(covered, "proof"));
  CHECK(proved.checkpoint.size == 1);
  CHECK(proved.note.signatures.size() == 3);  // the log's, and one of each witness that the policy names
  for (const int number : {0, 1}) {
    CHECK(cosignature_by(proved.note, witness(number).key()).value().has_value());
  }
  const Json later = served.result("receipts/get", R"({"nonce":"b"})");
  CHECK(checked(string_member(later, "proof")).note.signatures.size() == 1);

  const Json health = member(served.result("health"), "log");
  CHECK(member(health, "cosigned") == parsed(R"({"at":"2026-11-21T12:00:00.000000Z","size":1})"));
  CHECK(member(health, "witnesses") == parsed(R"(["w.example/1","w.example/2"])"));
  CHECK(read_note(string_member(served.result("log/checkpoint"), "cosigned")).value() == proved.note);
}

TEST_CASE("only those who may read everything may bring cosignatures") {
  Served served(witnessed());
  echo(served, "a");
  const std::string params =
      cosigned_params(string_member(served.result("log/checkpoint"), "checkpoint"), {&witness(0)});
  CHECK(served.reason("log/cosigned", params, 1000) == "peer_not_allowed");
  for (const std::uint32_t uid : {reader_uid, 0U, 990U}) {
    CHECK(member(served.result("log/cosigned", params, uid), "size") == Json(1));
  }
}

TEST_CASE("a reader whom the socket leaves out brings no cosignatures either") {
  Policy policy = witnessed();
  policy.allow_uids = {1000};
  Served served(policy);
  echo(served, "a");
  const std::string params =
      cosigned_params(string_member(served.result("log/checkpoint"), "checkpoint"), {&witness(0)});
  CHECK(served.reason("log/cosigned", params, reader_uid) == "peer_not_allowed");
  CHECK(served.result("log/checkpoint").find("cosigned") == nullptr);
}

TEST_CASE("a cosignature that is not to be kept is refused, and nothing is") {
  Served served(witnessed());
  echo(served, "a");
  const std::string checkpoint = string_member(served.result("log/checkpoint"), "checkpoint");
  const auto refused = [&](const std::string& params) {
    CHECK(served.reason("log/cosigned", params, reader_uid) == "invalid_params");
  };
  const Checkpoint own = read_checkpoint_text(read_note(checkpoint)->text).value();

  refused(cosigned_params(checkpoint, {&witness(2)}));  // a stranger's alone
  Checkpoint other = own;
  other.root = sha256(std::string_view("another"));
  refused(cosigned_params(sign_checkpoint(test::log_signer(), other), {&witness(0)}));  // a root the log never had
  other = own;
  other.size = 2;
  refused(cosigned_params(sign_checkpoint(test::log_signer(), other), {&witness(0)}));  // past the log
  const NoteSigner impostor = test_log(std::string(test::origin));
  refused(cosigned_params(sign_checkpoint(impostor, own), {&witness(0)}));  // another key

  std::string flipped = cosigned_params(checkpoint, {&witness(0)});
  flipped[flipped.rfind('=') - 4] ^= 1;
  refused(flipped);
  refused(R"({"checkpoint":"","cosignatures":""})");
  refused(R"({"checkpoint":"x"})");
  CHECK(served.result("log/checkpoint").find("cosigned") == nullptr);
}

TEST_CASE("a daemon without witnesses says so") {
  Served served(with_reader());
  echo(served, "a");
  const std::string checkpoint = string_member(served.result("log/checkpoint"), "checkpoint");
  const Json error =
      member(served.call("log/cosigned", cosigned_params(checkpoint, {&witness(0)}), reader_uid), "error");
  CHECK(string_member(error, "message").find("[log] witnesses") != std::string::npos);
}

TEST_CASE("cosignatures are refused while the store is failed or the daemon stops") {
  Served served(witnessed());
  echo(served, "a");
  const std::string params =
      cosigned_params(string_member(served.result("log/checkpoint"), "checkpoint"), {&witness(0)});
  served.world.committer().fail_next(test::CommitFailure::absent);
  CHECK(served.reason("log/cosigned", params, reader_uid) == "store_unavailable");
  CHECK(member(served.result("log/cosigned", params, reader_uid), "size") == Json(1));
  served.world.engine().stop([] {});
  CHECK(served.reason("log/cosigned", params, reader_uid) == "shutting_down");
}

}  // namespace
}  // namespace openexec
