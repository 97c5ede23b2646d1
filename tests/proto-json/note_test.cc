// SPDX-License-Identifier: Apache-2.0
#include "proto-json/note.h"

#include <algorithm>
#include <string>
#include <vector>

#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/note_keys.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

// The example of c2sp.org/signed-note.
constexpr std::string_view spec_note =
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

std::string signed_text(const NoteSigner& signer, const std::string& text) {
  return text + "\n" + to_signature_line(sign(signer, text));
}

// A signature of a type that nobody here knows.
NoteSignature foreign_signature(const std::string& name, std::size_t bytes) {
  NoteSignature out{name, {}, std::vector<std::uint8_t>(bytes, 7)};
  out.key_id.data = {1, 2, 3, 4};
  return out;
}

TEST_CASE("keys, ids and signature lines are those of an independent implementation") {
  init_crypto();
  for (const Json& test : vector_cases("notes")) {
    const std::string& vkey = string_member(test, "vkey");
    INFO(vkey);
    const bool is_log = member(test, "type") == Json(1);
    const auto seed = from_hex(string_member(test, "seed"));
    REQUIRE(seed);
    REQUIRE(seed->size() == SecretKey::seed_bytes);
    const NoteSigner signer(string_member(test, "name"), is_log ? NoteKeyType::ed25519 : NoteKeyType::cosignature,
                            SecretKey::from_seed(std::span<const std::uint8_t, 32>(*seed)));
    CHECK(to_vkey(signer.key()) == vkey);
    CHECK(read_vkey(vkey) == signer.key());

    const std::string& text = string_member(test, "text");
    const NoteSignature signature =
        is_log ? sign(signer, text) : cosign(signer, text, static_cast<std::uint64_t>(*member(test, "time").if_int()));
    const std::string& line = string_member(test, "signature_line");
    CHECK(to_signature_line(signature) == line);
    CHECK(read_signature_lines(line) == std::vector{signature});
    CHECK(is_by(signature, signer.key()));
    const auto note = read_note(text + "\n" + line);
    REQUIRE(note);
    CHECK(*note == Note{text, {signature}});
  }
}

TEST_CASE("public verifier keys read as they are written") {
  init_crypto();
  // Of Go's documentation of notes, and of its checksum database. The base64 of the first holds no '+', that of the
  // second two.
  for (const std::string vkey : {"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                                 "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"}) {
    const auto key = read_vkey(vkey);
    REQUIRE(key);
    CHECK(key->type == NoteKeyType::ed25519);
    CHECK(to_vkey(*key) == vkey);
  }
}

TEST_CASE("a verifier key with any bit flipped, or of another type, is refused") {
  const std::string good = to_vkey(test_witness("witness.example/w1").key());
  REQUIRE(read_vkey(good));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string damaged = good;
    damaged[bit / 8] = static_cast<char>(static_cast<unsigned char>(damaged[bit / 8]) ^ (1U << (bit % 8)));
    INFO(damaged);
    CHECK_FALSE(read_vkey(damaged).has_value());
  }
  for (const std::string& bad : {std::string(), std::string("+"), std::string("++"), std::string("name+00000000"),
                                 "x" + good, good + "=", good + "\n", good.substr(0, good.size() - 4),
                                 std::string("name+00000000+"), std::string("name+00000000+BA==")}) {
    INFO(bad);
    const auto read = read_vkey(bad);
    REQUIRE_FALSE(read);
    CHECK_FALSE(read.error().empty());
  }
  const auto other = read_vkey("name+00000000+AnNvbWUga2V5");  // type 02
  REQUIRE_FALSE(other);
  CHECK(other.error().find("type 02") != std::string::npos);
}

TEST_CASE("a key's name has no space, no plus and no control character, and is not too long") {
  for (const std::string name : {"a", "example.com/log42", "wítness", "日本", "-", "—"}) {
    CHECK(is_note_key_name(name));
  }
  CHECK(is_note_key_name(std::string(limits::note_key_name_bytes_max, 'a')));
  CHECK_FALSE(is_note_key_name(std::string(limits::note_key_name_bytes_max + 1, 'a')));
  for (const std::string bad :
       {"",        "a b",     " ",       "a+b",     "+",        "a\tb",     "a\nb",    "a\rb",
        "a\vb",    "a\x7f",   "a\u0080", "a\u0085", "a\u00a0b", "a\u1680",  "a\u2000", "a\u2003b",
        "a\u200a", "a\u2028", "a\u2029", "a\u202f", "a\u205f",  "a\u3000b", "a\xc3",   "\xff"}) {
    INFO(to_hex(bytes_of(bad)));
    CHECK_FALSE(is_note_key_name(bad));
    CHECK_FALSE(read_note("text\n\n\u2014 " + bad + " AAAAAAA=\n").has_value());
    CHECK_FALSE(read_vkey(bad + "+00000000+AQ==").has_value());
  }
}

TEST_CASE("a note's text may hold empty lines: the last one parts it from the signatures") {
  const auto note = read_note(spec_note);
  REQUIRE(note);
  CHECK(note->text == "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n");
  REQUIRE(note->signatures.size() == 1);
  CHECK(note->signatures[0].name == "quasimodo.example/salvatore");
  CHECK(to_hex(note->signatures[0].key_id.view()) == "367ba04b");
  CHECK(note->signatures[0].bytes.size() == Signature::size_bytes);
  CHECK(to_text(*note) == spec_note);

  const NoteSigner log = test_log("log");
  for (const std::string text : {"\n", "\n\n", "a\n\n", "a\n\n\nb\n"}) {
    const std::string bytes = signed_text(log, text);
    const auto read = read_note(bytes);
    REQUIRE(read);
    CHECK(read->text == text);
    CHECK(to_text(*read) == bytes);
  }
}

TEST_CASE("what is no note is refused") {
  const std::string line(spec_note.substr(spec_note.rfind("\u2014")));
  REQUIRE(read_note("text\n\n" + line));
  for (const std::string& bad : {std::string(),
                                 std::string("\n"),
                                 std::string("\n\n"),
                                 std::string("text"),
                                 std::string("text\n"),
                                 std::string("text\n\n"),
                                 "text\n" + line,
                                 "\n" + line,
                                 line,
                                 "text\n\n" + line + "\n",
                                 "text\n\n" + line + "x",
                                 "text\n\n" + line.substr(0, line.size() - 1),
                                 "text\n\n-" + line.substr(3),
                                 "text\n\n" + line.substr(1),
                                 "text\n\n\u2014" + line.substr(4),
                                 "text\n\n\u2014  " + line.substr(4),
                                 "te\rxt\n\n" + line,
                                 "te\txt\n\n" + line,
                                 std::string("te\0xt\n\n", 7) + line,
                                 "te\xffxt\n\n" + line,
                                 "text\r\n\r\n" + line,
                                 "text\n\n" + line.substr(0, line.size() - 1) + "\r\n",
                                 "text\n\n" + line.substr(0, line.size() - 1) + " \n",
                                 std::string("text\n\n\u2014 name\n"),
                                 std::string("text\n\n\u2014 name \n"),
                                 std::string("text\n\n\u2014 name AAAA\n"),
                                 std::string("text\n\n\u2014 name AAAAAA==\n"),
                                 std::string("text\n\n\u2014 name AAAAAAB=\n"),
                                 std::string("text\n\n\u2014 name other AAAAAAA=\n")}) {
    INFO(bad);
    const auto note = read_note(bad);
    REQUIRE_FALSE(note);
    CHECK_FALSE(note.error().empty());
  }
  CHECK(read_note("text\n\n\u2014 name AAAAAAA=\n"));
  CHECK(read_note("te\x7fxt\u2028\n\n" + line));  // nothing but ASCII controls is barred from a text
}

TEST_CASE("a note may have 64 signatures, and 16 of 5 kB") {
  const NoteSigner log = test_log("log");
  std::string bytes = signed_text(log, "text\n");
  for (std::size_t i = 1; i < 16; ++i) {
    bytes += to_signature_line(foreign_signature("post-quantum.example/" + std::to_string(i), 5000));
  }
  const auto note = read_note(bytes);
  REQUIRE(note);
  CHECK(note->signatures.size() == 16);
  CHECK(to_text(*note) == bytes);

  std::string many = signed_text(log, "text\n");
  for (std::size_t i = 1; i < limits::note_signatures_max; ++i) {
    many += to_signature_line(foreign_signature("w", 72));
  }
  CHECK(read_note(many));
  CHECK_FALSE(read_note(many + to_signature_line(foreign_signature("w", 72))));
  CHECK_FALSE(read_note(std::string(limits::note_bytes_max, 'x') + "\n\n" + bytes));
  CHECK_FALSE(read_signature_lines(to_signature_line(foreign_signature("w", limits::note_bytes_max))));
  CHECK_FALSE(read_signature_lines(""));
}

TEST_CASE("a signature is by the key that has both its name and its id") {
  const NoteSigner log = test_log("log");
  const NoteSignature signature = sign(log, "text\n");
  CHECK(is_by(signature, log.key()));
  CHECK_FALSE(is_by(signature, test_log("gol").key()));
  CHECK_FALSE(is_by(signature, test_witness("log").key()));  // the same bytes, of another type
  NoteSignature other = signature;
  other.name = "lag";
  CHECK_FALSE(is_by(other, log.key()));
  other = signature;
  other.key_id.data[3] ^= 1U;
  CHECK_FALSE(is_by(other, log.key()));
}

TEST_CASE("of a note the first line of each key that is asked for is kept, and no other") {
  const NoteSigner log = test_log("log");
  const NoteSigner witness = test_witness("w");
  Note note{"text\n",
            {cosign(witness, "text\n", 1), sign(log, "text\n"), foreign_signature("x", 72),
             cosign(witness, "text\n", 2), sign(log, "text\n")}};
  const std::vector<NoteKey> keys{log.key(), witness.key(), test_log("absent").key()};
  const Note kept = with_lines_of(note, keys);
  CHECK(kept.text == note.text);
  CHECK(kept.signatures == std::vector{note.signatures[1], note.signatures[0]});
}

}  // namespace
}  // namespace openexec
