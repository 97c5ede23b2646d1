// SPDX-License-Identifier: Apache-2.0
#include "proto-json/checkpoint.h"

#include <string>
#include <utility>
#include <vector>

#include "proto-json/encoding.h"
#include "tests/support/aborts.h"
#include "tests/support/catch.h"
#include "tests/support/note_keys.h"

namespace openexec {
namespace {

Checkpoint some_checkpoint() {
  init_crypto();
  return {"host.example/openexec", 20852163, sha256("root")};
}

Note note_of(const std::string& bytes) {
  auto note = read_note(bytes);
  REQUIRE(note);
  return *std::move(note);
}

std::string flipped(std::string text, std::size_t bit) {
  text[bit / 8] = static_cast<char>(static_cast<unsigned char>(text[bit / 8]) ^ (1U << (bit % 8)));
  return text;
}

TEST_CASE("a checkpoint's text is origin, size and root, and reads as it was written") {
  const auto read =
      read_checkpoint_text("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
  REQUIRE(read);
  CHECK(read->origin == "example.com/behind-the-sofa");
  CHECK(read->size == 20852163);
  CHECK(to_base64(read->root.view()) == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");
  CHECK(to_text(*read) == "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");

  const std::string text = to_text(some_checkpoint());
  CHECK(read_checkpoint_text(text) == some_checkpoint());
  CHECK(read_checkpoint_text(text + "an extension\nanother\n") == some_checkpoint());
}

TEST_CASE("what is no checkpoint's text is refused") {
  const std::string root = to_base64(some_checkpoint().root.view());
  for (const std::string& bad :
       {std::string(), std::string("a\n"), std::string("a\n1\n"), "\n1\n" + root + "\n", "a\n1\n" + root,
        "a\n01\n" + root + "\n", "a\n-1\n" + root + "\n", "a\n\n" + root + "\n", std::string("a\n1\nAAAA\n"),
        "a\n1\n" + root + "\n\n", "a\n1\n" + root + "\nx", "a\n1\n" + root + "\nx\n\ny\n", "a\n1 \n" + root + "\n",
        "a\n18446744073709551616\n" + root + "\n"}) {
    INFO(bad);
    CHECK_FALSE(read_checkpoint_text(bad).has_value());
  }
}

TEST_CASE("a signed checkpoint opens with its log's key and no other") {
  const NoteSigner log = test_log("host.example/openexec");
  const Note note = note_of(sign_checkpoint(log, some_checkpoint()));
  CHECK(open_checkpoint(note, log.key()) == some_checkpoint());
  CHECK_FALSE(open_checkpoint(note, test_log("host.example/other").key()));
  CHECK_FALSE(open_checkpoint(note, test_witness("host.example/openexec").key()));
  CHECK_FALSE(open_checkpoint({note.text, {}}, log.key()));
  // Another key of the same name.
  NoteKey other = log.key();
  other.key = test_log("other").key().key;
  CHECK_FALSE(open_checkpoint(note, other));
  CHECK(aborts([&] { static_cast<void>(sign_checkpoint(test_log("other"), some_checkpoint())); }));
  CHECK(aborts([&] { static_cast<void>(sign(test_witness("w"), "text\n")); }));
}

TEST_CASE("a checkpoint of another origin than its key's name is refused") {
  const NoteSigner log = test_log("host.example/openexec");
  Checkpoint checkpoint = some_checkpoint();
  checkpoint.origin = "host.example/other";
  const std::string text = to_text(checkpoint);
  const auto opened = open_checkpoint({text, {sign(log, text)}}, log.key());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().find("another log") != std::string::npos);
  const auto no_checkpoint = open_checkpoint({"text\n", {sign(log, "text\n")}}, log.key());
  CHECK_FALSE(no_checkpoint.has_value());
}

TEST_CASE("signatures of unknown keys and types are ignored, a wrong one of a known key is not") {
  const NoteSigner log = test_log("host.example/openexec");
  const std::string text = to_text(some_checkpoint());
  NoteSignature foreign{"someone.example", {}, std::vector<std::uint8_t>(2420, 9)};
  NoteSignature same_name = sign(log, text);
  same_name.key_id.data[0] ^= 1U;
  same_name.bytes.resize(1);
  Note note{text, {foreign, same_name, sign(test_log("other"), text), sign(log, text), foreign}};
  CHECK(open_checkpoint(note, log.key()) == some_checkpoint());
  CHECK(open_checkpoint(note_of(to_text(note)), log.key()) == some_checkpoint());

  NoteSignature wrong = sign(log, text);
  wrong.bytes.back() ^= 1U;
  note.signatures.push_back(wrong);
  CHECK_FALSE(open_checkpoint(note, log.key()));
  note.signatures.back() = sign(log, text);
  CHECK(open_checkpoint(note, log.key()));
  note.signatures.back().bytes.push_back(0);
  CHECK_FALSE(open_checkpoint(note, log.key()));
}

TEST_CASE("no bit of a signed and cosigned checkpoint can be flipped and both still stand") {
  const NoteSigner log = test_log("host.example/openexec");
  const NoteSigner witness = test_witness("witness.example/w1");
  const std::string text = to_text(some_checkpoint());
  const std::string bytes = to_text(Note{text, {sign(log, text), cosign(witness, text, 1679315147)}});
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const auto note = read_note(flipped(bytes, bit));
    const bool log_stands = note && open_checkpoint(*note, log.key()).has_value();
    const bool witness_stands =
        note && cosignature_by(*note, witness.key()).value_or(std::optional<Cosignature>()).has_value();
    INFO(bit / 8);
    CHECK_FALSE((log_stands && witness_stands));
    CHECK((bit / 8 >= text.size() || !(log_stands || witness_stands)));  // a bit of the text fells both
  }
}

TEST_CASE("a cosignature says when, and is over the time, too") {
  const NoteSigner witness = test_witness("witness.example/w1");
  const std::string text = to_text(some_checkpoint());
  for (const std::uint64_t time_s : {std::uint64_t{0}, std::uint64_t{1679315147}, (std::uint64_t{1} << 63U) - 1}) {
    const NoteSignature signature = cosign(witness, text, time_s);
    CHECK(signature.bytes.size() == 72);
    const auto said = cosignature_by({text, {signature}}, witness.key());
    REQUIRE(said);
    CHECK(*said == Cosignature{"witness.example/w1", time_s});
    for (std::size_t bit = 0; bit < 8 * signature.bytes.size(); ++bit) {
      NoteSignature damaged = signature;
      damaged.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      CHECK_FALSE(cosignature_by({text, {damaged}}, witness.key()).has_value());
    }
  }
  CHECK(aborts([&] { static_cast<void>(cosign(witness, text, std::uint64_t{1} << 63U)); }));
  CHECK(aborts([&] { static_cast<void>(cosign(test_log("log"), text, 1)); }));
}

TEST_CASE("a cosignature of a time past 2^63 - 1 is refused, well signed as it may be") {
  init_crypto();
  const SecretKey secret = SecretKey::from_seed(sha256("secret").data);
  const NoteKey key{"w", NoteKeyType::cosignature, secret.public_key()};
  const std::string text = to_text(some_checkpoint());
  const auto said = [&](const std::string& time, std::uint8_t first_byte, std::uint8_t others) {
    const Signature signature = secret.sign(bytes_of("cosignature/v1\ntime " + time + "\n" + text));
    NoteSignature out{"w", note_key_id(key), std::vector<std::uint8_t>(8, others)};
    out.bytes.front() = first_byte;
    out.bytes.insert(out.bytes.end(), signature.data.begin(), signature.data.end());
    return cosignature_by({text, {out}}, key);
  };
  CHECK(said("9223372036854775807", 0x7F, 0xFF).has_value());
  CHECK_FALSE(said("9223372036854775808", 0x80, 0x00).has_value());
}

TEST_CASE("a witness that says nothing is no error, and the latest of what it says counts") {
  const NoteSigner log = test_log("host.example/openexec");
  const NoteSigner witness = test_witness("witness.example/w1");
  const std::string text = to_text(some_checkpoint());
  const auto said = [&](std::vector<NoteSignature> signatures) {
    return cosignature_by({text, std::move(signatures)}, witness.key());
  };
  CHECK(said({sign(log, text), cosign(test_witness("w2"), text, 5)}).value() == std::nullopt);
  CHECK(said({cosign(witness, text, 5), cosign(witness, text, 9), cosign(witness, text, 7)}).value() ==
        Cosignature{"witness.example/w1", 9});
  CHECK_FALSE(cosignature_by({text, {sign(log, text)}}, log.key()).has_value());
  CHECK_FALSE(said({cosign(witness, "other\n", 5)}).has_value());
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{8}, std::size_t{64}, std::size_t{71}, std::size_t{73}}) {
    NoteSignature damaged = cosign(witness, text, 5);
    damaged.bytes.resize(bytes);
    CHECK_FALSE(said({damaged, cosign(witness, text, 5)}).has_value());
  }
}

TEST_CASE("a signature of one kind never passes as one of the other") {
  // One pair of keys under one name, as a log's and as a witness's.
  const NoteSigner log = test_log("both");
  const NoteSigner witness = test_witness("both");
  const std::string text = "both\n1\n" + to_base64(sha256("root").view()) + "\n";
  NoteSignature as_log = sign(log, text);
  as_log.key_id = note_key_id(witness.key());
  CHECK_FALSE(cosignature_by({text, {as_log}}, witness.key()).has_value());
  as_log.bytes.insert(as_log.bytes.begin(), 8, 0);
  CHECK_FALSE(cosignature_by({text, {as_log}}, witness.key()).has_value());
  NoteSignature as_witness = cosign(witness, text, 0);
  as_witness.key_id = note_key_id(log.key());
  CHECK_FALSE(open_checkpoint({text, {as_witness}}, log.key()).has_value());
  as_witness.bytes.erase(as_witness.bytes.begin(), as_witness.bytes.begin() + 8);
  CHECK_FALSE(open_checkpoint({text, {as_witness}}, log.key()).has_value());
}

}  // namespace
}  // namespace openexec
