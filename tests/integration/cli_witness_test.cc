// SPDX-License-Identifier: Apache-2.0
// `openexec witness`: what it cosigns and what it refuses.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "tests/integration/witnessed.h"
#include "tests/support/catch.h"
#include "tests/support/made_log.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

// What an answer says of that checkpoint; fails the test when it is no cosignature of it.
Cosignature cosignature_in(const Completed& answer, const std::string& checkpoint, const NoteKey& witness) {
  INFO(answer.out << answer.err);
  const auto note = read_note(checkpoint + answer.out);
  REQUIRE(note);
  const auto found = cosignature_by(*note, witness);
  REQUIRE(found);
  REQUIRE(found->has_value());
  return **found;
}

TEST_CASE("witness init makes a key that only its owner can read, and prints its verifier key", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  CHECK(witness.key().name == "audit/w1");
  CHECK(witness.key().type == NoteKeyType::cosignature);
  CHECK(fs::status(witness.dir()).permissions() == fs::perms::owner_all);
  CHECK(fs::status((witness / "witness.key")).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(witness.signer().key() == witness.key());
  const Json shown = witness.show();
  CHECK(string_member(shown, "vkey") == to_vkey(witness.key()));
  CHECK(member(shown, "evidence") == Json(0));
  CHECK(witness.size() == -1);
}

TEST_CASE("witness init keeps the witness that is there", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  const std::string before = read_file((witness / "witness.key"));
  const Completed again = witness.run({"init", "audit/w2"});
  CHECK(again.exit_code == 1);
  CHECK(again.out.empty());
  CHECK(read_file((witness / "witness.key")) == before);
  CHECK(string_member(witness.show(), "name") == "audit/w1");
}

TEST_CASE("witness init refuses names and keys that are none, and folders that others can use", "[integration]") {
  const TempDir dir;
  const auto init = [&dir](Arguments arguments) {
    arguments.insert(arguments.begin(), {"witness", "init", "--dir", dir / "w"});
    return cli(std::move(arguments));
  };
  const std::string witness_key = to_vkey(made_signer("audit/w9", NoteKeyType::cosignature, 9).key());
  for (const Arguments& arguments :
       {Arguments{}, Arguments{""}, Arguments{"a b"}, Arguments{"a+b"}, Arguments{"w", "--log", "nonsense"},
        Arguments{"w", "--log", witness_key}, Arguments{"w", "--log", "@/nonexistent"}}) {
    CAPTURE(arguments);
    CHECK(init(arguments).exit_code == 2);
    CHECK_FALSE(fs::exists(dir / "w"));
  }
  fs::create_directory(dir / "w");
  fs::permissions(dir / "w", fs::perms::owner_all | fs::perms::group_read);
  CHECK(init({"w"}).exit_code == 1);
  CHECK_FALSE(fs::exists(dir / "w/witness.key"));
}

TEST_CASE("without --dir a witness is below XDG_STATE_HOME, or below HOME", "[integration]") {
  const TempDir dir;
  const std::string home = dir.path().string();
  CHECK(cli({"witness", "init", "w"}, {.env = {"HOME=" + home}}).exit_code == 0);
  CHECK(fs::exists(dir / ".local/state/openexec-witness/witness.key"));
  CHECK(cli({"witness", "init", "w"}, {.env = {"HOME=" + home, "XDG_STATE_HOME=" + home + "/x"}}).exit_code == 0);
  CHECK(fs::exists(dir / "x/openexec-witness/witness.key"));
  CHECK(cli({"witness", "init", "w"}).exit_code == 2);
}

TEST_CASE("a log that only grows is cosigned each time, and the same checkpoint again", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  const MadeLog log = made_log(9);
  std::uint64_t from = 0;
  std::uint64_t time_s = 0;
  for (const std::uint64_t to : {1U, 4U, 4U, 9U}) {
    const Completed answer = witness.cosign(log.submission(from, to));
    CHECK(answer.exit_code == 0);
    CHECK(answer.err.empty());
    const Cosignature cosignature = cosignature_in(answer, log.checkpoint(to), witness.key());
    CHECK(cosignature.time_s >= time_s);
    time_s = cosignature.time_s;
    CHECK(witness.size() == static_cast<std::int64_t>(to));
    from = to;
  }
  CHECK(read_file(witness.state()).starts_with(log.checkpoint()));
  CHECK(string_member(member(witness.show(), "logs").if_array()->front(), "root") == to_hex(log.root(9).view()));
}

TEST_CASE("witness show tells people what it cosigned last", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  CHECK(contains(witness.run({"show", "--format", "human"}).out, "nothing cosigned yet\n"));
  REQUIRE(witness.cosign(made_log(1204).submission(0, 1204)).exit_code == 0);
  const std::string shown = witness.run({"show", "--format", "human"}).out;
  CHECK(shown.starts_with("witness    audit/w1\nkey        audit/w1+"));
  CHECK(contains(shown, "log        vm1/openexec               1,204 entries, root "));
}

TEST_CASE("a submission that is none, of no known log or with a false signature is refused with nothing written",
          "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  const MadeLog log = made_log(5);
  const std::string good = log.submission(0, 5);
  MadeLog unknown("vm2/openexec", 2);
  unknown.append_many(3);
  MadeLog forged("vm1/openexec", 3);
  forged.append_many(3);
  std::string changed = good;
  changed[changed.find("\n5\n") + 1] = '6';
  const std::vector<std::string> submissions = {"",
                                                "nonsense",
                                                good.substr(0, 20),
                                                log.checkpoint(),
                                                unknown.submission(0, 3),
                                                forged.submission(0, 3),
                                                changed,
                                                std::string(limits::submission_bytes_max + 1, 'x')};
  for (const std::string& submission : submissions) {
    const Completed answer = witness.cosign(submission);
    CHECK(answer.exit_code == 1);
    CHECK(answer.out.empty());
    CHECK(answer.err.starts_with("openexec: "));
  }
  CHECK(witness.size() == -1);
  CHECK(witness.evidence().empty());
}

TEST_CASE("a submission that goes on from elsewhere is told the size to go on from", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  const MadeLog log = made_log(9);
  REQUIRE(witness.cosign(log.submission(0, 4)).exit_code == 0);
  for (const std::uint64_t from : {0U, 3U, 5U}) {
    const Completed answer = witness.cosign(log.submission(from, 9));
    CHECK(answer.exit_code == 1);
    CHECK(answer.out == "4\n");
  }
  CHECK(witness.size() == 4);
  CHECK(witness.evidence().empty());
  CHECK(witness.cosign(log.submission(4, 9)).exit_code == 0);
}

TEST_CASE("a rollback, a fork and a rewritten history are refused, and both checkpoints are kept, once",
          "[integration]") {
  struct Case {
    std::string what;
    std::string submission;
    std::string checkpoint;
    std::string out;
  };
  const MadeLog log = made_log(6);
  const MadeLog other = made_log(9, "other");
  const std::vector<Case> cases = {
      {"was put back to an older copy", log.submission(4, 4), log.checkpoint(4), "6\n"},
      {"has two histories", other.submission(6, 6), other.checkpoint(6), "6\n"},
      {"has two histories of 6 entries", other.submission(6, 9), other.checkpoint(9), ""},
  };
  const Case& refused = cases.at(GENERATE(0U, 1U, 2U));
  CAPTURE(refused.what);
  const WitnessFolder witness({MadeLog().vkey()});
  const Completed first = witness.cosign(log.submission(0, 6));
  REQUIRE(first.exit_code == 0);
  for (int again = 0; again < 2; ++again) {
    const Completed answer = witness.cosign(refused.submission);
    CHECK(answer.exit_code == 1);
    CHECK(answer.out == refused.out);
    CHECK(contains(answer.err, refused.what));
    const auto evidence = witness.evidence();
    REQUIRE(evidence.size() == 1);
    CHECK(contains(answer.err, evidence.front().string()));
    const std::string text = read_file(evidence.front());
    CHECK(contains(text, "\n" + log.checkpoint(6) + first.out));
    const std::string proof = "\n--- the consistency proof that was submitted with it ---\n" +
                              refused.submission.substr(0, refused.submission.find("\n\n") + 1);
    CHECK(text.ends_with("\n" + refused.checkpoint + (refused.out.empty() ? proof : "")));
  }
  CHECK(witness.size() == 6);
  CHECK(witness.cosign(log.submission(6, 6)).exit_code == 0);
}

TEST_CASE("the time of a cosignature never goes back, whatever the clock says", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  const MadeLog log = made_log(6);
  constexpr std::uint64_t future_s = 4'000'000'000;
  std::ofstream(witness.state(), std::ios::binary)
      << log.checkpoint(4) << cosignature_line(witness.signer(), log.checkpoint(4), future_s);
  const Completed answer = witness.cosign(log.submission(4, 6));
  CHECK(cosignature_in(answer, log.checkpoint(6), witness.key()).time_s == future_s);
}

TEST_CASE("the same two checkpoints make one file of evidence, whatever lines are added to them", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  const MadeLog log = made_log(6);
  REQUIRE(witness.cosign(log.submission(0, 6)).exit_code == 0);
  const std::string first_kept = read_file(witness.state());
  const MadeLog other = made_log(9, "other");
  const NoteSigner stranger = made_signer("nobody", NoteKeyType::cosignature, 9);
  std::string text;
  for (std::uint64_t i = 0; i < 4; ++i) {
    const std::string added = cosignature_line(stranger, other.checkpoint(9), i);
    CHECK(witness.cosign(other.submission(6, 9) + added).exit_code == 1);
    REQUIRE(witness.evidence().size() == 1);
    text = read_file(witness.evidence().front());
    CHECK_FALSE(contains(text, "nobody"));
  }
  CHECK(contains(text, "\n" + first_kept));
}

TEST_CASE("a signature that is repeated is kept once, and the log can go on", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  const MadeLog log = made_log(5);
  const std::string note = log.checkpoint(3);
  const std::string line = note.substr(note.find("\n\n") + 2);
  std::string submission = log.submission(0, 3);
  for (std::size_t i = 1; i < limits::note_signatures_max; ++i) {
    submission += line;
  }
  const Completed answer = witness.cosign(submission);
  CHECK(answer.exit_code == 0);
  CHECK(read_file(witness.state()) == note + answer.out);
  CHECK(witness.cosign(log.submission(3, 5)).exit_code == 0);
}

TEST_CASE("a checkpoint that could not be read again with the witness's cosignature is refused, and nothing is written",
          "[integration]") {
  std::vector<std::string> keys;
  const MadeLog log = made_log(3);
  std::string submission = log.submission(0, 3);
  keys.push_back(log.vkey());
  const std::string text = submission.substr(submission.find("vm1/"), log.checkpoint().find("\n\n") + 1);
  for (std::uint8_t i = 1; i < limits::note_signatures_max; ++i) {
    const NoteSigner signer = made_signer("vm1/openexec", NoteKeyType::ed25519, static_cast<std::uint8_t>(100 + i));
    keys.push_back(to_vkey(signer.key()));
    submission += to_signature_line(sign(signer, text));
  }
  const WitnessFolder witness(keys);
  const Completed answer = witness.cosign(submission);
  CHECK(answer.exit_code == 1);
  CHECK(answer.out.empty());
  CHECK(contains(answer.err, "cannot be kept so that it could be read again"));
  CHECK(witness.size() == -1);
  CHECK_FALSE(fs::exists(witness.state()));
  CHECK(witness.cosign(log.submission(0, 3)).exit_code == 0);
}

TEST_CASE("a checkpoint with extension lines is refused, and says so", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  const MadeLog log = made_log(3);
  const std::string note = log.checkpoint();
  const std::string text = note.substr(0, note.find("\n\n") + 1) + "extension\n";
  const NoteSigner signer = made_signer("vm1/openexec", NoteKeyType::ed25519, 1);
  const Completed answer = witness.cosign("old 0\n\n" + text + "\n" + to_signature_line(sign(signer, text)));
  CHECK(answer.exit_code == 1);
  CHECK(answer.out.empty());
  CHECK(contains(answer.err, "extension lines"));
  CHECK(witness.size() == -1);
}

TEST_CASE("a folder whose name is no text is shown escaped in JSON", "[integration]") {
  const TempDir dir;
  const std::string folder = dir / "w\xff";
  for (const Arguments& arguments : {Arguments{"witness", "init", "w", "--json"}, Arguments{"witness", "show"}}) {
    Arguments full = arguments;
    full.insert(full.end(), {"--dir", folder});
    const Completed done = cli(full);
    CHECK(done.exit_code == 0);
    CHECK(string_member(document(done), "dir").ends_with("/w\\xff"));
  }
}

TEST_CASE("signatures that the log did not make are not kept, however many there are", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  const MadeLog log = made_log(3);
  std::string submission = log.submission(0, 3);
  const NoteSigner stranger = made_signer("nobody", NoteKeyType::cosignature, 9);
  for (std::size_t i = 1; i < limits::note_signatures_max; ++i) {
    submission += cosignature_line(stranger, log.checkpoint(), i);
  }
  const Completed answer = witness.cosign(submission);
  CHECK(answer.exit_code == 0);
  CHECK(read_file(witness.state()) == log.checkpoint() + answer.out);
  CHECK(witness.cosign(log.submission(3, 3)).exit_code == 0);
}

TEST_CASE("witness trust adds a log's key, once", "[integration]") {
  const WitnessFolder witness;
  CHECK(contains(witness.run({"show", "--format", "human"}).out, "none: openexec witness trust"));
  const MadeLog log = made_log(2);
  CHECK(witness.cosign(log.submission(0, 2)).exit_code == 1);
  for (int again = 0; again < 2; ++again) {
    CHECK(document(witness.run({"trust", log.vkey()})) == Json::object({{"trusted", log.vkey()}}));
    CHECK(read_file((witness / "logs")) == log.vkey() + "\n");
  }
  CHECK(witness.cosign(log.submission(0, 2)).exit_code == 0);
  CHECK(witness.run({"trust", to_vkey(witness.key())}).exit_code == 2);
  CHECK(witness.run({"trust", "nonsense"}).exit_code == 2);
}

}  // namespace
}  // namespace openexec::test
