// SPDX-License-Identifier: Apache-2.0
// `openexec log push`, with daemons made for the test: what it makes of witnesses that cosign, refuse, or talk
// nonsense.
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "proto-json/encoding.h"
#include "proto-json/witness.h"
#include "tests/integration/cli_support.h"
#include "tests/integration/witnessed.h"
#include "tests/support/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/made_log.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

using Arguments = std::vector<std::string>;

// A daemon with a made log, which keeps what it is handed.
class LogDaemon {
 public:
  explicit LogDaemon(MadeLog log)
      : log_(std::move(log)), daemon_(serving([this](const auto& method, const auto& params) {
          const std::lock_guard lock(mutex_);
          return answer(method, params);
        })) {}

  [[nodiscard]] std::string socket() const { return daemon_.socket(); }
  [[nodiscard]] std::vector<Json> handed_in() {
    const std::lock_guard lock(mutex_);
    return handed_in_;
  }
  void cosigned_by(const NoteSigner& witness, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    cosigned_ = log_.checkpoint(size) + cosignature_line(witness, log_.checkpoint(size), 1);
  }

 private:
  Json answer(const std::string& method, const Json& params) {
    if (method == "log/checkpoint") {
      const Json checkpoint = Json::object({{"checkpoint", log_.checkpoint()}});
      return cosigned_.empty() ? checkpoint : with_member(checkpoint, "cosigned", cosigned_);
    }
    if (method == "log/consistency") {
      Json::Array hashes;
      for (const Hash& hash : log_.consistency(static_cast<std::uint64_t>(number_in(params, "from")),
                                               static_cast<std::uint64_t>(number_in(params, "to")))) {
        hashes.emplace_back(to_base64(hash.view()));
      }
      return Json::object({{"hashes", std::move(hashes)}, {"size", number_in(params, "to")}});
    }
    handed_in_.push_back(params);
    return Json::object({{"size", static_cast<std::int64_t>(log_.size())}, {"witnesses", Json::Array{"audit/w1"}}});
  }

  MadeLog log_;
  std::mutex mutex_;
  std::string cosigned_;
  std::vector<Json> handed_in_;
  FakeDaemon daemon_;  // the last: its thread uses the others
};

Completed push(const LogDaemon& daemon, const std::string& command, const Arguments& more = {}) {
  Arguments arguments{"log", "push", "--exec", command};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return cli(std::move(arguments), {.socket = daemon.socket()});
}

TEST_CASE("log push carries a checkpoint to a witness and its cosignature back", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  LogDaemon daemon(made_log(5));
  const Completed pushed = push(daemon, witness.command(), {"--witness", witness.vkey()});
  INFO(pushed.err);
  CHECK(pushed.exit_code == 0);
  CHECK(document(pushed) == parsed(R"({"size":5,"witnesses":["audit/w1"]})"));
  CHECK(witness.size() == 5);
  const auto handed_in = daemon.handed_in();
  REQUIRE(handed_in.size() == 1);
  const std::string& checkpoint = string_member(handed_in[0], "checkpoint");
  CHECK(checkpoint == made_log(5).checkpoint());
  const auto note = read_note(checkpoint + string_member(handed_in[0], "cosignatures"));
  REQUIRE(note);
  const auto cosignature = cosignature_by(*note, read_vkey(witness.vkey()).value());
  REQUIRE(cosignature);
  CHECK(cosignature->has_value());
}

TEST_CASE("log push goes on from what the witness has, whether the daemon knows it or not", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  {
    LogDaemon daemon(made_log(3));
    REQUIRE(push(daemon, witness.command()).exit_code == 0);
  }
  LogDaemon daemon(made_log(7));
  CHECK(push(daemon, witness.command()).exit_code == 0);  // begins with 0, is told 3
  CHECK(witness.size() == 7);
  CHECK(push(daemon, witness.command(), {"--witness", witness.vkey()}).exit_code == 0);  // the same again
  CHECK(daemon.handed_in().size() == 2);
}

TEST_CASE("with --witness and a cosigned checkpoint log push asks the witness once", "[integration]") {
  const NoteSigner signer = made_signer("audit/w1", NoteKeyType::cosignature, 11);
  LogDaemon daemon(made_log(7));
  daemon.cosigned_by(signer, 4);
  const TempDir dir;
  const std::string line = cosignature_line(signer, made_log(7).checkpoint(), 9);
  std::ofstream(dir / "answer") << line;
  const std::string command = "cat >> " + (dir / "asked").string() + "; cat " + (dir / "answer").string();
  CHECK(push(daemon, command, {"--witness", to_vkey(signer.key())}).exit_code == 0);
  CHECK(read_file(dir / "asked") == made_log(7).submission(4, 7));
}

TEST_CASE("without --witness log push goes on from the cosigned checkpoint, and a success says nothing more",
          "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  REQUIRE(witness.cosign(made_log(7).submission(0, 4)).exit_code == 0);
  LogDaemon daemon(made_log(7));
  daemon.cosigned_by(witness.signer(), 4);
  const Completed pushed = push(daemon, witness.command());
  CHECK(pushed.exit_code == 0);
  CHECK(pushed.err.empty());
}

TEST_CASE("a witness whose cosignatures the daemon drops is told, and log push fails", "[integration]") {
  const NoteSigner signer = made_signer("audit/w9", NoteKeyType::cosignature, 11);
  LogDaemon daemon(made_log(7));
  const TempDir dir;
  std::ofstream(dir / "answer") << cosignature_line(signer, made_log(7).checkpoint(), 9);
  const std::string command = "cat > /dev/null; cat " + (dir / "answer").string();
  const Completed pushed = push(daemon, command, {"--witness", to_vkey(signer.key())});
  CHECK(pushed.exit_code == 1);
  CHECK(document(pushed) == parsed(R"({"size":7,"witnesses":["audit/w1"]})"));
  CHECK(contains(pushed.err, "does not keep audit/w9's cosignatures: add its key to [log] witnesses"));
  CHECK(push(daemon, command).exit_code == 0);  // nobody named it
}

TEST_CASE("a log that was put back to an older copy is told so by log push", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  {
    LogDaemon daemon(made_log(1204));
    REQUIRE(push(daemon, witness.command()).exit_code == 0);
  }
  LogDaemon daemon(made_log(1000));
  const Completed pushed = push(daemon, witness.command());
  CHECK(pushed.exit_code == 1);
  CHECK(pushed.out.empty());
  CHECK(contains(pushed.err, "this log was rolled back: the witness has seen 1,204 entries, the log has 1,000"));
  CHECK(contains(pushed.err, "openexec store adopt"));
  CHECK_FALSE(contains(pushed.err, "The witness keeps both"));  // only a number was answered: that is not known here
  CHECK(contains(pushed.err, witness.dir() + "/evidence/"));    // the witness's own words pass through
  CHECK(daemon.handed_in().empty());
  CHECK(witness.size() == 1204);
}

TEST_CASE("a log with another history is not cosigned, and log push says where the reason stands", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  {
    LogDaemon daemon(made_log(4));
    REQUIRE(push(daemon, witness.command()).exit_code == 0);
  }
  const std::uint64_t size = GENERATE(4U, 6U);
  LogDaemon daemon(made_log(size, "other"));
  const Completed pushed = push(daemon, witness.command());
  CHECK(pushed.exit_code == 1);
  CHECK(contains(pushed.err, witness.dir() + "/evidence/"));
  CHECK(daemon.handed_in().empty());
  CHECK(witness.size() == 4);
}

TEST_CASE("signatures of types that are not known pass to the daemon, which knows what to keep", "[integration]") {
  LogDaemon daemon(made_log(2));
  const NoteSignature unknown{"audit/w1", NoteKeyId{{1, 2, 3, 4}}, std::vector<std::uint8_t>(200, 7)};
  const std::string line = to_signature_line(unknown);
  CHECK(push(daemon, "cat > /dev/null; printf '%s\\n' '" + line.substr(0, line.size() - 1) + "'").exit_code == 0);
  REQUIRE(daemon.handed_in().size() == 1);
  CHECK(string_member(daemon.handed_in()[0], "cosignatures") == line);
}

TEST_CASE("several witnesses cosign one checkpoint, and what one refuses does not undo what others said",
          "[integration]") {
  const WitnessFolder first({MadeLog().vkey()});
  const WitnessFolder second({MadeLog().vkey()});
  LogDaemon daemon(made_log(5));
  CHECK(
      push(daemon, first.command(), {"--exec", second.command(), "--witness", first.vkey(), "--witness", second.vkey()})
          .exit_code == 0);
  REQUIRE(daemon.handed_in().size() == 1);
  const auto note = read_note(string_member(daemon.handed_in()[0], "checkpoint") +
                              string_member(daemon.handed_in()[0], "cosignatures"));
  REQUIRE(note);
  for (const WitnessFolder* witness : {&first, &second}) {
    CHECK(cosignature_by(*note, read_vkey(witness->vkey()).value()).value().has_value());
  }

  const Completed half = push(daemon, "exit 7", {"--exec", second.command()});
  CHECK(half.exit_code == 1);
  CHECK(contains(half.err, "the command failed with 7"));
  CHECK(daemon.handed_in().size() == 2);
  CHECK(push(daemon, first.command(), {"--exec", second.command(), "--witness", first.vkey()}).exit_code == 2);
}

TEST_CASE("a push that another one overtook takes the newer checkpoint and is no rollback", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  REQUIRE(cli({"witness", "cosign", "--dir", witness.dir()}, {.stdin_text = made_log(7).submission(0, 7)}).exit_code ==
          0);
  int asked = 0;
  const MadeLog log = made_log(7);
  const FakeDaemon daemon = serving([&](const std::string& method, const Json&) {
    const bool is_first = method == "log/checkpoint" && ++asked == 1;
    return method == "log/checkpoint" ? Json::object({{"checkpoint", log.checkpoint(is_first ? 5 : 7)}})
                                      : Json::object({{"size", 7}, {"witnesses", Json::Array{"audit/w1"}}});
  });
  const Completed pushed = cli({"log", "push", "--exec", witness.command()}, {.socket = daemon.socket()});
  CHECK(pushed.exit_code == 0);
  CHECK(witness.size() == 7);
}

TEST_CASE("an answer by another witness than --witness names is not handed in", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  const NoteSigner other = made_signer("audit/w1", NoteKeyType::cosignature, 11);
  LogDaemon daemon(made_log(5));
  const Completed pushed = push(daemon, witness.command(), {"--witness", to_vkey(other.key())});
  CHECK(pushed.exit_code == 1);
  CHECK(contains(pushed.err, "no cosignature by audit/w1"));
  CHECK(daemon.handed_in().empty());
}

TEST_CASE("a command that cannot be run, fails, or answers nonsense is told apart", "[integration]") {
  struct Case {
    std::string command;
    std::string message;
  };
  const auto [command, message] = GENERATE(values<Case>({
      {"/nonexistent/witness", "the command was not found"},
      {"/", "the command cannot be run"},
      {"echo why >&2; exit 3", "the command failed with 3"},
      {"exit 255", "as ssh does when it cannot connect"},
      {"kill -9 $$", "was killed by signal 9"},
      {"true", "the command's answer is no witness's"},
      {"echo welcome", "the command's answer is no witness's"},
      {"cat", "the command's answer is no witness's"},
      {"yes", "the command answered more than "},
      {"echo 99999", "this log was rolled back"},
      {"echo 2", "the witness does not cosign this log"},
  }));
  CAPTURE(command);
  LogDaemon daemon(made_log(5));
  const Completed pushed = push(daemon, command);
  INFO(pushed.err);
  CHECK(pushed.exit_code == 1);
  CHECK(pushed.out.empty());
  CHECK(contains(pushed.err, message));
  CHECK(contains(pushed.err, "why") == contains(command, "why"));
  CHECK(daemon.handed_in().empty());
}

TEST_CASE("a command that takes too long is killed with all that it started", "[integration]") {
  LogDaemon daemon(made_log(5));
  const TempDir dir;
  const std::string pid_file = dir / "pid";
  const Completed pushed = push(daemon, "sleep 1000 & echo $! > " + pid_file + "; wait", {"--exec-timeout", "300ms"});
  CHECK(pushed.exit_code == 1);
  CHECK(contains(pushed.err, "was not over in time"));
  const pid_t pid = static_cast<pid_t>(std::stol(read_file(pid_file)));
  const auto is_dead = [pid] {  // gone, or a zombie that its new parent has not reaped yet
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    return !std::getline(stat, text) || text.find(") Z ") != std::string::npos;
  };
  const auto until = std::chrono::steady_clock::now() + generous_deadline;
  while (!is_dead() && std::chrono::steady_clock::now() < until) {
    ::usleep(1000);
  }
  CHECK(is_dead());
}

TEST_CASE("a command that writes before it reads, or never reads, is no deadlock", "[integration]") {
  // More than a pipe holds, both ways.
  MadeLog log;
  log.append_many(3);
  const std::string note = log.checkpoint();
  const std::string text = note.substr(0, note.find("\n\n") + 1) + std::string(100'000, 'x') + "\n";
  const std::string large =
      text + "\n" + to_signature_line(sign(made_signer("vm1/openexec", NoteKeyType::ed25519, 1), text));
  const FakeDaemon daemon =
      serving([&](const std::string&, const Json&) { return Json::object({{"checkpoint", large}}); });
  for (const std::string command : {"head -c 100000 /dev/zero; cat > /dev/null", "exec 0<&-; echo 0", "true"}) {
    CAPTURE(command);
    const Completed pushed = cli({"log", "push", "--exec", command}, {.socket = daemon.socket()});
    CHECK(pushed.exit_code == 1);
    CHECK_FALSE(contains(pushed.err, "in time"));
  }
}

TEST_CASE("the command has the terminal, so that it can ask for a passphrase there", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  LogDaemon daemon(made_log(5));
  const std::string command =
      "printf 'passphrase: ' > /dev/tty && read word < /dev/tty && test \"$word\" = open && " + witness.command();
  Process process(cli_process({"log", "push", "--exec", command}, {.socket = daemon.socket(), .terminal = true}));
  process.wait_for_output("passphrase: ");
  process.type("open\n");
  CHECK(process.wait().code == 0);
  CHECK(contains(process.out(), "5 entries of vm1/openexec, by audit/w1"));
  CHECK(witness.size() == 5);
}

TEST_CASE("log push wants a command, a key of a witness and a time", "[integration]") {
  const std::string vkey = MadeLog().vkey();
  for (const Arguments& arguments :
       {Arguments{"log", "push"}, Arguments{"log", "push", "--exec", "true", "--witness", vkey},
        Arguments{"log", "push", "--exec", "true", "--exec-timeout", "soon"},
        Arguments{"log", "push", "--exec", "true", "--exec-timeout", "8785h"},  // past duration_ms_max
        Arguments{"log", "push", "--exec", "true", "--exec-timeout", "9000000000000000h"}, Arguments{"log"}}) {
    CAPTURE(arguments);
    CHECK(cli(arguments).exit_code == 2);
  }
  CHECK(cli({"log", "push", "--exec", "true"}).exit_code == 3);
}

}  // namespace
}  // namespace openexec::test
