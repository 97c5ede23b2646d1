// SPDX-License-Identifier: Apache-2.0
#include "proto-json/witness.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "tests/support/aborts.h"
#include "tests/support/catch.h"
#include "tests/support/model_tree.h"
#include "tests/support/note_keys.h"

namespace openexec {
namespace {

const std::string origin = "host.example/openexec";

// A log, the witness's memory of it, and what the witness says to what is submitted.
struct Scene {
  NoteSigner log = test_log(origin);
  ModelTree tree{60};
  std::vector<NoteKey> trusted{test_log("another.example").key(), log.key()};
  std::optional<Checkpoint> latest;

  Checkpoint checkpoint(std::size_t size) { return {origin, size, tree.root(size)}; }
  Submission submission(std::size_t old_size, std::size_t size) {
    return {old_size, old_size <= size ? tree.consistency(old_size, size) : std::vector<Hash>(),
            sign_checkpoint(log, checkpoint(size))};
  }
  void cosigned(std::size_t size) { latest = checkpoint(size); }

  // The decision, whatever came in its way.
  WitnessDecision::Refuse refusal(const std::string& bytes) {
    const auto opened = open_submission(bytes, trusted);
    if (!opened) {
      return opened.error();
    }
    const WitnessDecision decision = judge(*opened, latest);
    const auto* const refuse = std::get_if<WitnessDecision::Refuse>(&decision.outcome);
    REQUIRE(refuse != nullptr);
    CHECK_FALSE(refuse->message.empty());
    return *refuse;
  }
  WitnessDecision::Refuse refusal(const Submission& submission) { return refusal(to_text(submission)); }

  bool is_cosigned(const Submission& submission) {
    const auto opened = open_submission(to_text(submission), trusted);
    if (!opened) {
      return false;
    }
    const WitnessDecision decision = judge(*opened, latest);
    const auto* const cosign = std::get_if<WitnessDecision::Cosign>(&decision.outcome);
    if (cosign != nullptr) {
      CHECK(to_text(cosign->note) == submission.checkpoint);
      CHECK(to_text(cosign->checkpoint) == cosign->note.text);
    }
    return cosign != nullptr;
  }
};

TEST_CASE("a submission and an answer read as they were written") {
  Scene scene;
  for (const auto& [from, to] : {std::pair<std::size_t, std::size_t>{0, 0}, {0, 5}, {5, 5}, {3, 50}}) {
    const Submission submission = scene.submission(from, to);
    CHECK(read_submission(to_text(submission)) == submission);
  }
  CHECK(to_text(scene.submission(3, 4)).starts_with("old 3\n"));
  CHECK(to_text(scene.submission(0, 4)).starts_with("old 0\n\n" + origin + "\n4\n"));

  const NoteSignature signature = cosign(test_witness("w"), "text\n", 7);
  for (const WitnessAnswer& answer :
       {WitnessAnswer(WitnessConflict{0}), WitnessAnswer(WitnessConflict{20852014}),
        WitnessAnswer(std::vector{signature}), WitnessAnswer(std::vector{signature, signature})}) {
    CHECK(read_witness_answer(to_text(answer)) == answer);
  }
  CHECK(to_text(WitnessAnswer(WitnessConflict{12})) == "12\n");
}

TEST_CASE("what is no submission or no answer is refused with a word on why") {
  Scene scene;
  const std::string good = to_text(scene.submission(3, 50));
  for (const std::string& bad :
       {std::string(), std::string("old 3\n"), std::string("old 3"), "x" + good, good.substr(4), "old 03\n\n" + good,
        "old -1\n\n" + good, "old  1\n\n" + good, "old 1 \n\n" + good, "old 3\r\n" + good.substr(6),
        "old 3\n!\n" + good.substr(6), "old 3\n" + good + std::string(limits::submission_bytes_max, 'x')}) {
    INFO(bad.substr(0, 300));
    const auto read = read_submission(bad);
    REQUIRE_FALSE(read);
    CHECK_FALSE(read.error().empty());
    CHECK(scene.refusal(bad).why == WitnessRefusal::malformed);
  }
  Submission many = scene.submission(3, 50);
  many.consistency.assign(limits::proof_hashes_max, Hash{});
  CHECK(read_submission(to_text(many)));
  many.consistency.emplace_back();
  CHECK_FALSE(read_submission(to_text(many)));

  for (const std::string bad : {"", "\n", "12", "012\n", "-1\n", "12\n\n", "12\n13\n", "12 \n", "\u2014 w\n", "no\n"}) {
    INFO(bad);
    const auto read = read_witness_answer(bad);
    REQUIRE_FALSE(read);
    CHECK_FALSE(read.error().empty());
  }
}

TEST_CASE("a growing log is cosigned step by step, and the same size again") {
  Scene scene;
  std::size_t last = 0;
  for (const std::size_t size : {0U, 1U, 2U, 7U, 8U, 8U, 31U, 32U, 60U}) {
    INFO(size);
    CHECK(scene.is_cosigned(scene.submission(last, size)));
    scene.cosigned(size);
    last = size;
  }
  // Every step there is, too.
  for (std::size_t from = 0; from <= 60; ++from) {
    for (std::size_t to = from; to <= 60; to += 7) {
      scene.cosigned(from);
      CHECK(scene.is_cosigned(scene.submission(from, to)));
    }
  }
}

TEST_CASE("who is not known, or did not sign, is refused before anything else is judged") {
  Scene scene;
  scene.cosigned(20);
  Submission submission = scene.submission(10, 5);  // wrong in every other way
  scene.trusted.pop_back();
  const auto unknown = scene.refusal(submission);
  CHECK(unknown.why == WitnessRefusal::unknown_log);
  CHECK(unknown.message.find(origin) != std::string::npos);
  CHECK_FALSE(unknown.latest_size.has_value());
  CHECK_FALSE(unknown.is_evidence);

  scene.trusted = {test_witness(origin).key()};  // a witness's key speaks for no log
  CHECK(scene.refusal(submission).why == WitnessRefusal::unknown_log);

  NoteKey other = scene.log.key();
  other.key = test_log("other").key().key;
  scene.trusted = {other};
  CHECK(scene.refusal(submission).why == WitnessRefusal::not_signed);

  scene.trusted = {scene.log.key()};
  auto note = read_note(submission.checkpoint);
  REQUIRE(note);
  note->signatures[0].bytes[5] ^= 1U;
  submission.checkpoint = to_text(*note);
  const auto not_signed = scene.refusal(submission);
  CHECK(not_signed.why == WitnessRefusal::not_signed);
  CHECK_FALSE(not_signed.is_evidence);
}

TEST_CASE("a name in a message cannot move the terminal") {
  Scene scene;
  const std::string name = "a\u202e";
  const std::string text = name + "\n1\n" + to_base64(scene.tree.root(1).view()) + "\n";
  const auto refusal = scene.refusal("old 0\n\n" + text + "\n" + to_signature_line(sign(scene.log, text)));
  CHECK(refusal.why == WitnessRefusal::unknown_log);
  CHECK(has_no_control_characters(refusal.message));
  CHECK(refusal.message.find("\u202e") == std::string::npos);
}

// A submission of a note with that text, signed by the scene's log.
std::string signed_text(const Scene& scene, const std::string& text) {
  return "old 0\n\n" + text + "\n" + to_signature_line(sign(scene.log, text));
}

TEST_CASE("an origin with control characters, C1 and DEL too, is malformed") {
  Scene scene;
  for (const std::string name : {"a\x7f", "a\u009b2J", "\u0085"}) {
    const auto refusal =
        scene.refusal(signed_text(scene, name + "\n1\n" + to_base64(scene.tree.root(1).view()) + "\n"));
    CHECK(refusal.why == WitnessRefusal::malformed);
    CHECK(refusal.message.find("control characters") != std::string::npos);
  }
}

TEST_CASE("a checkpoint with extension lines is malformed: a cosignature would stand for what they say") {
  Scene scene;
  const std::string text = to_text(scene.checkpoint(5));
  CHECK(scene.is_cosigned({0, {}, text + "\n" + to_signature_line(sign(scene.log, text))}));
  for (const std::string extension : {"x", "size 7", " "}) {
    const auto refusal = scene.refusal(signed_text(scene, text + extension + "\n"));
    CHECK(refusal.why == WitnessRefusal::malformed);
    CHECK(refusal.message.find("extension lines") != std::string::npos);
  }
}

TEST_CASE("a checkpoint that is none, or is no note, is malformed") {
  Scene scene;
  const std::string text = "no checkpoint\n";
  CHECK(scene.refusal("old 0\n\n" + text + "\n" + to_signature_line(sign(scene.log, text))).why ==
        WitnessRefusal::malformed);
  CHECK(scene.refusal("old 0\n\nno note\n").why == WitnessRefusal::malformed);
}

TEST_CASE("a log may have several keys: one that signed is enough, and none may be wrong") {
  Scene scene;
  const NoteSigner second(origin, NoteKeyType::ed25519, SecretKey::from_seed(sha256("second").data));
  Submission submission = scene.submission(0, 5);
  scene.trusted.insert(scene.trusted.begin(), second.key());
  CHECK(scene.is_cosigned(submission));

  auto note = read_note(submission.checkpoint);
  REQUIRE(note);
  NoteSignature foreign{"foreign.example", {}, {1, 2, 3}};
  note->signatures.push_back(foreign);
  note->signatures.push_back(sign(second, note->text));
  submission.checkpoint = to_text(*note);
  CHECK(scene.is_cosigned(submission));
  note->signatures.back().bytes[0] ^= 1U;
  submission.checkpoint = to_text(*note);
  CHECK(scene.refusal(submission).why == WitnessRefusal::not_signed);
}

TEST_CASE("an old size past the checkpoint's is malformed, whatever the witness has") {
  Scene scene;
  CHECK(scene.refusal(scene.submission(6, 5)).why == WitnessRefusal::malformed);
  scene.cosigned(6);
  CHECK(scene.refusal(scene.submission(6, 5)).why == WitnessRefusal::malformed);
}

TEST_CASE("another old size than the witness's is a conflict that tells it") {
  Scene scene;
  const auto never = scene.refusal(scene.submission(3, 50));
  CHECK(never.why == WitnessRefusal::conflict);
  CHECK(never.latest_size == 0U);
  scene.cosigned(20);
  for (const std::size_t old : {0U, 19U, 21U, 50U}) {
    const auto refusal = scene.refusal(scene.submission(old, 50));
    CHECK(refusal.why == WitnessRefusal::conflict);
    CHECK(refusal.latest_size == 20U);
    CHECK_FALSE(refusal.is_evidence);
  }
  CHECK(scene.refusal(scene.submission(0, 20)).why == WitnessRefusal::conflict);
}

TEST_CASE("a log that shows fewer entries than were cosigned is told that it was put back") {
  Scene scene;
  scene.cosigned(20);
  for (const std::size_t old : {0U, 5U, 19U}) {
    const auto refusal = scene.refusal(scene.submission(old, 19));
    CHECK(refusal.why == WitnessRefusal::rolled_back);
    CHECK(refusal.is_evidence);
    CHECK(refusal.latest_size == 20U);
    CHECK(refusal.message.find("cosigned 20 entries") != std::string::npos);
    CHECK(refusal.message.find("shows 19") != std::string::npos);
    CHECK(refusal.message.find("Nothing was cosigned") != std::string::npos);
  }
}

TEST_CASE("two histories of one size are a fork, and evidence") {
  Scene scene;
  scene.cosigned(20);
  scene.tree.rewrite_from(12);
  for (const std::size_t old : {20U, 0U, 7U}) {
    const auto refusal = scene.refusal(scene.submission(old, 20));
    CHECK(refusal.why == WitnessRefusal::forked);
    CHECK(refusal.is_evidence);
    CHECK(refusal.latest_size == 20U);
    CHECK(refusal.message.find("two histories of 20 entries") != std::string::npos);
  }
}

// That submission with its proof spoiled in every way.
std::vector<Submission> spoiled(const Submission& good) {
  std::vector<Submission> bad(3, good);
  bad[0].consistency.pop_back();
  bad[1].consistency.emplace_back();
  bad[2].consistency.clear();
  for (std::size_t i = 0; i < good.consistency.size(); ++i) {
    bad.push_back(good);
    bad.back().consistency[i].data[7] ^= 4U;
  }
  return bad;
}

TEST_CASE("a proof that is wrong is not cosigned, and is no evidence against the log") {
  Scene scene;
  scene.cosigned(20);
  const Submission good = scene.submission(20, 50);
  REQUIRE(scene.is_cosigned(good));
  for (const Submission& submission : spoiled(good)) {
    const auto refusal = scene.refusal(submission);
    CHECK(refusal.why == WitnessRefusal::not_consistent);
    CHECK(refusal.message.find("the consistency proof is wrong") != std::string::npos);
    CHECK_FALSE(refusal.is_evidence);
    CHECK_FALSE(refusal.latest_size.has_value());
  }
}

TEST_CASE("a larger tree that begins with another history is a fork, where its proof can show that") {
  for (const std::size_t last : {3U, 5U, 20U, 48U, 59U}) {
    Scene scene;
    scene.cosigned(last);
    scene.tree.rewrite_from(last - 1);
    const Submission fork = scene.submission(last, 60);
    const auto refusal = scene.refusal(fork);
    CHECK(refusal.why == WitnessRefusal::forked);
    CHECK(refusal.is_evidence);
    CHECK_FALSE(refusal.latest_size.has_value());
    CHECK(refusal.message.find("has two histories") != std::string::npos);
    for (const Submission& wrong : spoiled(fork)) {
      const auto said = scene.refusal(wrong);
      CHECK(said.why == WitnessRefusal::not_consistent);
      CHECK_FALSE(said.is_evidence);
    }
  }
}

TEST_CASE("from a power of two a proof cannot tell another history from a mistake: both are kept as a doubt") {
  for (const std::size_t last : {1U, 2U, 16U, 32U}) {
    Scene scene;
    scene.cosigned(last);
    Submission mistaken = scene.submission(last, 60);
    mistaken.consistency[0].data[7] ^= 4U;
    Submission short_one = mistaken;
    short_one.consistency.pop_back();
    CHECK_FALSE(scene.refusal(short_one).is_evidence);  // no proof of these sizes is as short
    scene.tree.rewrite_from(last - 1);
    for (const Submission& submission : {mistaken, scene.submission(last, 60)}) {
      const auto refusal = scene.refusal(submission);
      CHECK(refusal.why == WitnessRefusal::not_consistent);
      CHECK(refusal.is_evidence);
      CHECK(refusal.message.find("or the consistency proof is wrong") != std::string::npos);
    }
  }
}

TEST_CASE("a proof where none belongs is the sender's mistake, and no evidence") {
  Scene scene;
  Submission from_nothing = scene.submission(0, 5);
  from_nothing.consistency.emplace_back();
  const auto first = scene.refusal(from_nothing);
  CHECK(first.why == WitnessRefusal::not_consistent);
  CHECK_FALSE(first.is_evidence);

  scene.cosigned(5);
  Submission again = scene.submission(5, 5);
  again.consistency.emplace_back();
  const auto second = scene.refusal(again);
  CHECK(second.why == WitnessRefusal::not_consistent);
  CHECK_FALSE(second.is_evidence);
}

TEST_CASE("an empty log has one root") {
  Scene scene;
  Checkpoint checkpoint = scene.checkpoint(0);
  CHECK(scene.is_cosigned({0, {}, sign_checkpoint(scene.log, checkpoint)}));
  checkpoint.root = sha256("x");
  CHECK(scene.refusal(Submission{0, {}, sign_checkpoint(scene.log, checkpoint)}).why == WitnessRefusal::not_consistent);
}

TEST_CASE("a submission is judged by its own log's record only") {
  Scene scene;
  const auto opened = open_submission(to_text(scene.submission(0, 5)), scene.trusted);
  REQUIRE(opened);
  CHECK(aborts([&] { static_cast<void>(judge(*opened, Checkpoint{"another.example", 3, Hash{}})); }));
}

}  // namespace
}  // namespace openexec
