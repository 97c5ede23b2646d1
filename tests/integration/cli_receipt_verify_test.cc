// SPDX-License-Identifier: Apache-2.0
// `openexec receipt verify`, and the ways a proof gets into a file.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "tests/integration/cli_support.h"
#include "tests/support/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/made_log.h"
#include "tests/support/openexecd.h"
#include "tests/support/receipts.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

using Arguments = std::vector<std::string>;

constexpr std::uint64_t cosigned_at = 1'795'270'502;

// A folder with a proof of a log of 1204 entries, cosigned, and the keys that it takes to check it.
class ProofDir {
 public:
  ProofDir() {
    log_.append_many(57);
    log_.append(to_leaf(made_receipt(ReceiptKind::executed)));
    log_.append_many(1204 - 58);
    write("p.tlog-proof",
          to_text(log_.proof(57, std::nullopt, cosignature_line(witness_, log_.checkpoint(), cosigned_at))));
    write("vm1.vkey", log_.vkey() + "\n");
    write("audit.vkey", to_vkey(witness_.key()) + "\n");
    write("ops.pub", Approver::trusted().public_key_pem());
  }

  void write(std::string_view name, std::string_view text) const {
    std::ofstream(dir_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return dir_ / name; }
  [[nodiscard]] const MadeLog& log() const { return log_; }
  [[nodiscard]] Completed verify(Arguments arguments, const std::string& stdin_text = {}) const {
    arguments.insert(arguments.begin(), {"receipt", "verify"});
    return cli(std::move(arguments), {.stdin_text = stdin_text, .directory = dir_.path()});
  }

 private:
  TempDir dir_;
  MadeLog log_;
  NoteSigner witness_ = made_signer("audit.example/w1", NoteKeyType::cosignature, 11);
};

TEST_CASE("receipt verify says for each question what was proven, and needs no daemon", "[integration]") {
  const ProofDir dir;
  const Completed completed =
      dir.verify({"p.tlog-proof", "--log-key", "@vm1.vkey", "--witness", "@audit.vkey", "--format", "human"});
  CHECK(completed.exit_code == 0);
  CHECK(completed.err.empty());
  CHECK(completed.out ==
        "well formed        yes\n"
        "included           yes   entry 57 of 1,204\n"
        "log signature      yes   vm1/openexec\n"
        "witnesses          yes   1 of 1: audit.example/w1, 2026-11-21 14:15:02 UTC\n"
        "approval           not checked   demo mode: nothing was approved\n"
        "single use         see `openexec log verify`\n"
        "receipt            executed payment.refund, 2026-11-21 14:08:13 UTC\n");
}

TEST_CASE("piped, receipt verify prints its verdicts as one JSON document", "[integration]") {
  const ProofDir dir;
  const std::string proof = read_file(dir / "p.tlog-proof");
  const Json document_of = document(dir.verify({"-", "--log-key", dir.log().vkey()}, proof));
  CHECK(bool_member(document_of, "ok"));
  const Json& verdicts = member(document_of, "verdicts");
  CHECK(member(verdicts, "included") == parsed(R"({"answer":"yes","text":"entry 57 of 1204"})"));
  CHECK(string_member(member(verdicts, "witnesses"), "answer") == "not checked");
  CHECK(string_member(member(verdicts, "single_use"), "answer") == "not checked");
  CHECK(member(document_of, "receipt") == to_json(made_receipt(ReceiptKind::executed)));
  CHECK(member(document_of, "log") == parsed(R"({"index":57,"origin":"vm1/openexec","size":1204})"));
}

TEST_CASE("receipt verify exits with 1 when any answer is no", "[integration]") {
  const ProofDir dir;
  const MadeLog other("vm1/openexec", 9);
  const Completed wrong_key = dir.verify({"p.tlog-proof", "--log-key", other.vkey(), "--format", "human"});
  CHECK(wrong_key.exit_code == 1);
  CHECK(contains(wrong_key.out, "\nlog signature      no    "));

  const NoteSigner other_witness = made_signer("audit.example/w2", NoteKeyType::cosignature, 12);
  const Completed unmet = dir.verify({"p.tlog-proof", "--log-key", "@vm1.vkey", "--witness", "@audit.vkey", "--witness",
                                      to_vkey(other_witness.key())});
  CHECK(unmet.exit_code == 1);
  CHECK_FALSE(bool_member(document(unmet), "ok"));
  const Completed met = dir.verify({"p.tlog-proof", "--log-key", "@vm1.vkey", "--witness", "@audit.vkey", "--witness",
                                    to_vkey(other_witness.key()), "--quorum", "1"});
  CHECK(met.exit_code == 0);

  const Completed unapproved =
      dir.verify({"p.tlog-proof", "--log-key", "@vm1.vkey", "--approver-key", "ops.pub", "--format", "human"});
  CHECK(unapproved.exit_code == 1);
  CHECK(contains(unapproved.out, "\napproval           no    demo mode: nothing was approved\n"));

  dir.write("no-proof", "nonsense");
  const Completed garbage = dir.verify({"no-proof", "--log-key", "@vm1.vkey", "--format", "human"});
  CHECK(garbage.exit_code == 1);
  CHECK(garbage.out.starts_with("well formed        no    "));
  CHECK(dir.verify({"missing", "--log-key", "@vm1.vkey"}).exit_code == 1);
}

TEST_CASE("receipt verify refuses keys that are none, or of the wrong kind", "[integration]") {
  const ProofDir dir;
  dir.write("empty", "");
  const auto is_usage = [&dir](Arguments arguments) {
    CAPTURE(arguments);
    const Completed completed = dir.verify(std::move(arguments));
    CHECK(completed.exit_code == 2);
    CHECK(completed.out.empty());
    CHECK(completed.err.starts_with("openexec: "));
  };
  const std::string witness = "@audit.vkey";
  is_usage({"p.tlog-proof"});
  is_usage({"--log-key", "@vm1.vkey"});
  is_usage({"p.tlog-proof", "--log-key", "@missing"});
  is_usage({"p.tlog-proof", "--log-key", "@empty"});
  is_usage({"p.tlog-proof", "--log-key", "vm1/openexec"});
  is_usage({"p.tlog-proof", "--log-key", witness});
  is_usage({"p.tlog-proof", "--log-key", "@vm1.vkey", "--witness", "@vm1.vkey"});
  is_usage({"p.tlog-proof", "--log-key", "@vm1.vkey", "--witness", witness, "--witness", witness});
  is_usage({"p.tlog-proof", "--log-key", "@vm1.vkey", "--witness", witness, "--quorum", "2"});
  is_usage({"p.tlog-proof", "--log-key", "@vm1.vkey", "--witness", witness, "--quorum", "0"});
  is_usage({"p.tlog-proof", "--log-key", "@vm1.vkey", "--quorum", "1"});
  is_usage({"p.tlog-proof", "--log-key", "@vm1.vkey", "--quorum", "-1"});
  is_usage({"p.tlog-proof", "--log-key", "@vm1.vkey", "--approver-key", "vm1.vkey"});
  is_usage({"p.tlog-proof", "--log-key", "@vm1.vkey", "--approver-key", "missing"});
}

TEST_CASE("nothing in a proof can command the terminal", "[integration]") {
  const ProofDir dir;
  // A checkpoint of a log by an evil name, in an otherwise good document.
  TlogProof proof = dir.log().proof(57);
  const std::string evil = "\u009b2J\u202e";
  proof.checkpoint = evil + proof.checkpoint.substr(proof.checkpoint.find('\n'));
  dir.write("evil", to_text(proof));
  for (const std::string format : {"human", "json"}) {
    const Completed completed = dir.verify({"evil", "--log-key", "@vm1.vkey", "--format", format});
    CHECK(completed.exit_code == 1);
    CHECK_FALSE(contains(completed.out + completed.err, "\u009b"));
    CHECK_FALSE(contains(completed.out + completed.err, "\u202e"));
  }
}

// A daemon that answers with a receipt and a proof.
FakeDaemon proving(const ProofDir& dir, const Json& more = Json::object({})) {
  std::vector<Member> members{{"proof", read_file(dir / "p.tlog-proof")},
                              {"receipt", to_json(made_receipt(ReceiptKind::executed))},
                              {"log", parsed(R"({"index":57,"origin":"vm1/openexec"})")}};
  members.insert(members.end(), more.if_object()->begin(), more.if_object()->end());
  return FakeDaemon([answer = Json::object(std::move(members))](FakePeer& peer) {
    peer.write(reply_result(peer.read_line(), answer));
  });
}

TEST_CASE("receipt show --proof writes the proof to a new file, and never over another", "[integration]") {
  const ProofDir dir;
  const FakeDaemon daemon = proving(dir);
  const std::string file = dir / "out";
  const Completed shown = cli({"receipt", "show", "--index", "57", "--proof", file}, {.socket = daemon.socket()});
  CHECK(shown.exit_code == 0);
  CHECK(read_file(file) == read_file(dir / "p.tlog-proof"));
  CHECK(dir.verify({"out", "--log-key", "@vm1.vkey"}).exit_code == 0);

  dir.write("mine", "mine");
  const Completed again = cli({"receipt", "show", "--index", "57", "--proof", dir / "mine"}, {});
  CHECK(again.exit_code == 1);  // and not 3: nobody was asked
  CHECK(contains(again.err, "already there"));
  CHECK(read_file(dir / "mine") == "mine");
}

TEST_CASE("a daemon that gives no proof leaves no file", "[integration]") {
  const ProofDir dir;
  const FakeDaemon daemon([](FakePeer& peer) {
    peer.write(
        reply_result(peer.read_line(), Json::object({{"receipt", to_json(made_receipt(ReceiptKind::executed))}})));
  });
  const Completed shown =
      cli({"receipt", "show", "--index", "57", "--proof", dir / "out"}, {.socket = daemon.socket()});
  CHECK(shown.exit_code == 1);
  CHECK(contains(shown.err, "no proof"));
  CHECK_FALSE(std::filesystem::exists(dir / "out"));
}

Json execute_answer() {
  init_crypto();
  const std::string id = "8f1c0a52-7d1e-8b6a-9c1f-52f0c1f0aa10";
  return Json::object({{"action", "echo"},
                       {"approved", true},
                       {"id", id},
                       {"duration_us", 0},
                       {"receipt", to_hex(seed_receipt(id, "{}").view())},
                       {"replayed", false},
                       {"result", Json::object({})},
                       {"status", "executed"}});
}

// A daemon whose answer to execute holds a proof, and that wants to be asked for one.
FakeDaemon proving_execute(const ProofDir& dir) {
  const Json answer = with_member(execute_answer(), "proof", read_file(dir / "p.tlog-proof"));
  return FakeDaemon([answer](FakePeer& peer) {
    const std::string line = peer.read_line();
    peer.write(contains(line, R"("proof":true)") ? reply_result(line, answer) : reply_result(line, Json()));
  });
}

TEST_CASE("execute asks for a proof with --proof, and keeps it with --proof-file", "[integration]") {
  const ProofDir dir;
  const std::string proof = read_file(dir / "p.tlog-proof");
  {
    const FakeDaemon daemon = proving_execute(dir);
    CHECK(string_member(document(cli({"execute", "echo", "--nonce", "n", "--proof"}, {.socket = daemon.socket()})),
                        "proof") == proof);
  }
  {
    const FakeDaemon daemon = proving_execute(dir);
    const Completed human =
        cli({"execute", "echo", "--nonce", "n", "--proof", "--format", "human"}, {.socket = daemon.socket()});
    CHECK(human.exit_code == 0);
    CHECK(human.out.ends_with("\n{}\n\n" + proof));
  }
  const std::string file = dir / "out";
  {
    const FakeDaemon daemon = proving_execute(dir);
    const Completed human = cli({"execute", "echo", "--nonce", "n", "--proof-file", file, "--format", "human"},
                                {.socket = daemon.socket()});
    CHECK(human.exit_code == 0);
    CHECK(human.out.ends_with("\nproof      " + file + "\n"));
    CHECK(read_file(file) == proof);
  }
  const Completed refused = cli({"execute", "echo", "--nonce", "n", "--proof-file", file}, {});
  CHECK(refused.exit_code == 1);  // nothing was sent
  CHECK(contains(refused.err, "Nothing was sent"));
  CHECK(read_file(file) == proof);
}

TEST_CASE("an execute that ran but gave no proof says how to get it", "[integration]") {
  const ProofDir dir;
  const FakeDaemon daemon([](FakePeer& peer) { peer.write(reply_result(peer.read_line(), execute_answer())); });
  const Completed completed =
      cli({"execute", "echo", "--nonce", "n", "--proof-file", dir / "out"}, {.socket = daemon.socket()});
  CHECK(completed.exit_code == 1);
  CHECK(document(completed) == execute_answer());
  CHECK(contains(completed.err, "openexec receipt show 8f1c0a52-7d1e-8b6a-9c1f-52f0c1f0aa10 --proof FILE"));
}

}  // namespace
}  // namespace openexec::test
