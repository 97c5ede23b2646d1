// SPDX-License-Identifier: Apache-2.0
// `openexec log export`, and `openexec log verify` of what it wrote.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "tests/integration/cli_support.h"
#include "tests/support/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/made_log.h"
#include "tests/support/openexecd.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

std::vector<std::string> files_below(const fs::path& dir) {
  std::vector<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file()) {
      out.push_back(fs::relative(entry.path(), dir).string());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

struct Exporting {
  TestDaemon daemon{demo_daemon()};
  TempDir dir;
  int sent = 0;

  void send(int count) {
    AgentSocket socket(daemon.socket());
    for (int i = 0; i < count; ++i, ++sent) {
      REQUIRE(execute(socket, "echo", Json::object({{"n", sent}}), "n-" + std::to_string(sent)).succeeded());
    }
  }
  [[nodiscard]] std::string path() const { return dir / "log"; }
  [[nodiscard]] Completed run_export() const { return cli({"log", "export", path()}, {.socket = daemon.socket()}); }
  [[nodiscard]] std::string vkey() const {
    return string_member(document(cli({"log", "key", "--json"}, {.socket = daemon.socket()})), "vkey");
  }
  [[nodiscard]] Completed verify() const { return cli({"log", "verify", path(), "--log-key", key}); }
  std::string key = vkey();
};

TEST_CASE("an export is the log as tiles, verifies, and is brought up to date by the next") {
  Exporting log;
  CHECK(number_member(document(log.run_export()), "size") == 0);  // of an empty log
  CHECK(log.verify().exit_code == 0);
  for (const int more : {3, 250, 3, 0, 300}) {
    log.send(more);
    const Json done = document(log.run_export());
    CHECK(number_member(done, "size") == log.sent);
    CHECK(number_member(done, "new") == more);
    const Completed verified = log.verify();
    INFO(verified.out);
    CHECK(verified.exit_code == 0);
    CHECK(number_member(document(verified), "entries") == log.sent);
    CHECK(number_member(document(verified), "claims") == log.sent);
  }
  CHECK(files_below(log.path()) == std::vector<std::string>{"checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/44",
                                                            "tile/1/000.p/2", "tile/entries/000", "tile/entries/001",
                                                            "tile/entries/002.p/44"});
  CHECK(fs::file_size(log.path() + "/tile/0/000") == 256 * 32);
  const std::string note =
      string_member(document(cli({"log", "checkpoint", "--json"}, {.socket = log.daemon.socket()})), "checkpoint");
  CHECK(read_file(log.path() + "/checkpoint") == note);
}

TEST_CASE("every byte of an export that is changed is found") {
  Exporting log;
  log.send(260);
  REQUIRE(log.run_export().exit_code == 0);
  std::mt19937 random(5);
  for (const std::string& name : files_below(log.path())) {
    const fs::path file = fs::path(log.path()) / name;
    const std::string whole = read_file(file);
    for (int i = 0; i < 12; ++i) {
      std::string changed = whole;
      const std::size_t at = random() % whole.size();
      changed[at] = static_cast<char>(changed[at] ^ (1 << (random() % 8)));
      write_file(file, changed);
      const Completed completed = log.verify();
      INFO(name << " byte " << at << "\n" << completed.out << completed.err);
      CHECK(completed.exit_code == 1);
      const bool is_tile = name.starts_with("tile/");
      CHECK((!is_tile || contains(completed.out, "entry ") || contains(completed.out, name)));
    }
    write_file(file, whole.substr(0, whole.size() - 1));
    CHECK(log.verify().exit_code == 1);
    fs::remove(file);
    CHECK(log.verify().exit_code == 1);
    write_file(file, whole);
  }
  CHECK(log.verify().exit_code == 0);
}

TEST_CASE("an export without the log's key is checked but for its signature") {
  Exporting log;
  log.send(2);
  REQUIRE(log.run_export().exit_code == 0);
  const Completed shown = cli({"log", "verify", log.path()}, {.env = {"NO_COLOR=1"}, .terminal = true});
  CHECK(shown.exit_code == 0);
  CHECK(contains(shown.out, "checkpoint    not checked   no log key was given"));
  CHECK(contains(shown.out, "results       not checked   an export holds none"));
}

TEST_CASE("an export that was stopped in the middle is finished by the next") {
  Exporting log;
  log.send(300);
  REQUIRE(log.run_export().exit_code == 0);
  fs::remove(log.path() + "/checkpoint");  // it is written last
  fs::remove(log.path() + "/tile/0/000");
  CHECK(log.verify().exit_code == 1);
  CHECK(number_member(document(log.run_export()), "new") == 300);
  CHECK(log.verify().exit_code == 0);

  const std::string before = read_file(log.path() + "/checkpoint");
  log.send(300);
  REQUIRE(log.run_export().exit_code == 0);
  write_file(log.path() + "/checkpoint", before);  // but the tiles that it does not name are those it needs no more
  const Completed refused = log.run_export();
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.err, "is not a whole export"));
}

TEST_CASE("the folder of another log, or of anything else, is left alone") {
  Exporting log;
  log.send(3);
  REQUIRE(log.run_export().exit_code == 0);
  const Exporting other;
  const Completed refused = cli({"log", "export", log.path()}, {.socket = other.daemon.socket()});
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.err, "holds the export of another log, or was changed"));
  CHECK(log.verify().exit_code == 0);

  write_file(log.dir / "notes.txt", "mine");
  const Completed foreign = cli({"log", "export", log.dir.path().string()}, {.socket = log.daemon.socket()});
  CHECK(foreign.exit_code == 1);
  CHECK(contains(foreign.err, "holds something else than an exported log"));
}

TEST_CASE("a log that is behind its own export was rolled back, and the export is kept") {
  Exporting log;
  log.send(3);
  const Json earlier = document(cli({"log", "checkpoint", "--json"}, {.socket = log.daemon.socket()}));
  const Json health = document(cli({"health"}, {.socket = log.daemon.socket()}));
  log.send(3);
  REQUIRE(log.run_export().exit_code == 0);
  const FakeDaemon daemon =
      serving([&](const std::string& method, const Json&) { return method == "health" ? health : earlier; });
  const Completed refused = cli({"log", "export", log.path()}, {.socket = daemon.socket()});
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.err, "the log has 3 entries, and"));
  CHECK(contains(refused.err, "it was rolled back"));
  CHECK(number_member(document(log.verify()), "entries") == 6);
}

TEST_CASE("an entry of another user ends an export, and it says who may make one") {
  Exporting log;
  log.send(2);
  const Json notes = document(cli({"log", "checkpoint", "--json"}, {.socket = log.daemon.socket()}));
  const Json health = document(cli({"health"}, {.socket = log.daemon.socket()}));
  const FakeDaemon daemon = serving([&](const std::string& method, const Json&) {
    if (method == "health") {
      return health;
    }
    return method == "log/checkpoint" ? notes
                                      : Json::object({{"start", 0}, {"size", 2}, {"entries", Json::Array{{}, {}}}});
  });
  const Completed refused = cli({"log", "export", log.path()}, {.socket = daemon.socket()});
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.err, "entry 0 belongs to another user"));
  CHECK(contains(refused.err, "reader_uids"));
  CHECK_FALSE(fs::exists(log.path() + "/checkpoint"));
}

TEST_CASE("entries that do not make the tree that was signed are not exported") {
  Exporting log;
  log.send(2);
  const Json notes = document(cli({"log", "checkpoint", "--json"}, {.socket = log.daemon.socket()}));
  const Json health = document(cli({"health"}, {.socket = log.daemon.socket()}));
  const FakeDaemon daemon = serving([&](const std::string& method, const Json&) {
    if (method == "health") {
      return health;
    }
    const Json entry = Json::object({{"forged", true}});
    return method == "log/checkpoint"
               ? notes
               : Json::object({{"start", 0}, {"size", 2}, {"entries", Json::Array{entry, entry}}});
  });
  const Completed refused = cli({"log", "export", log.path()}, {.socket = daemon.socket()});
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.err, "do not make the tree that it signed"));
  CHECK_FALSE(fs::exists(log.path() + "/checkpoint"));
}

// A log of JSON entries in memory, and a daemon that shows so many of them.
struct ShownLog {
  MadeLog log;
  Json::Array entries;

  explicit ShownLog(int size, const std::string& tag = "a", int tagged_from = 0) {
    for (int i = 0; i < size; ++i) {
      entries.push_back(Json::object({{"n", i}, {"tag", i < tagged_from ? "a" : tag}}));
      log.append(to_jcs(entries.back()));
    }
  }
  Completed export_to(const std::string& dir) const {
    const FakeDaemon daemon = serving([this](const std::string& method, const Json& params) {
      if (method == "health") {
        return Json::object({{"log", Json::object({{"vkey", log.vkey()}})}});
      }
      if (method == "log/checkpoint") {
        return Json::object({{"checkpoint", log.checkpoint()}});
      }
      if (method == "log/consistency") {
        Json::Array hashes;
        for (const Hash& hash : log.consistency(static_cast<std::uint64_t>(number_in(params, "from")),
                                                static_cast<std::uint64_t>(number_in(params, "to")))) {
          hashes.emplace_back(to_base64(hash.view()));
        }
        return Json::object({{"hashes", std::move(hashes)}, {"size", number_in(params, "to")}});
      }
      const auto start = entries.begin() + number_in(params, "start");
      return Json::object({{"start", number_in(params, "start")},
                           {"size", static_cast<std::int64_t>(entries.size())},
                           {"entries", Json::Array(start, start + number_in(params, "limit"))}});
    });
    return cli({"log", "export", dir}, {.socket = daemon.socket()});
  }
};

TEST_CASE("a log with another history than its export is refused before anything is fetched, and its checkpoint kept") {
  const int begun = GENERATE(4, 5);  // of a power of two the proof alone does not tell
  const int grown = GENERATE(0, 3);
  const TempDir dir;
  const std::string path = dir / "log";
  REQUIRE(ShownLog(begun).export_to(path).exit_code == 0);
  REQUIRE(ShownLog(begun + 1).export_to(path).exit_code == 0);
  const auto files = files_below(path);
  const std::string kept = read_file(path + "/checkpoint");
  const ShownLog fork(begun + 1 + grown, "b", begun - 1);
  const Completed refused = fork.export_to(path);
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.err, "the log has another history than this export"));
  CHECK(contains(refused.err, "Export to a new folder"));
  CHECK(read_file(path + "/checkpoint") == kept);
  CHECK(read_file(path + "/checkpoint.forked") == fork.log.checkpoint());
  auto expected = files;
  expected.insert(expected.begin() + 1, "checkpoint.forked");
  CHECK(files_below(path) == expected);

  // The first of them stays, and the history that is in the folder can go on.
  const Completed again = ShownLog(begun + 9, "c", begun - 1).export_to(path);
  CHECK(again.exit_code == 1);
  CHECK(contains(again.err, "checkpoint.forked is already there, and is not written over"));
  CHECK(read_file(path + "/checkpoint.forked") == fork.log.checkpoint());
  CHECK(number_member(document(ShownLog(begun + 9).export_to(path)), "new") == 8);
}

TEST_CASE("a folder to export to whose name is no text is shown escaped in JSON") {
  const TempDir dir;
  const Completed done = ShownLog(2).export_to(dir / "log\xff");
  CHECK(done.exit_code == 0);
  CHECK(string_member(document(done), "dir").ends_with("/log\\xff"));
}

TEST_CASE("of an export that is not whole no answer is yes but to what was read") {
  Exporting log;
  log.send(300);
  REQUIRE(log.run_export().exit_code == 0);
  struct Case {
    std::string missing;
    std::vector<std::string> yes;
    std::int64_t entries;
  };
  const Case of = GENERATE(values<Case>({{"tile/0/000", {}, 0},
                                         {"tile/0/001.p/44", {}, 256},
                                         {"tile/entries/000", {"tree"}, 44},
                                         {"tile/1/000.p/1", {"entries", "claims", "approvals", "checkpoint"}, 300}}));
  CAPTURE(of.missing);
  fs::remove(log.path() + "/" + of.missing);
  const NoteSigner witness = made_signer("audit/w1", NoteKeyType::cosignature, 11);
  write_file(
      log.path() + "/checkpoint.cosigned",
      read_file(log.path() + "/checkpoint") + cosignature_line(witness, read_file(log.path() + "/checkpoint"), 1));
  const Arguments arguments{"log", "verify", log.path(), "--log-key", log.key, "--witness", to_vkey(witness.key())};
  const Completed completed = cli(arguments);
  INFO(completed.out);
  CHECK(completed.exit_code == 1);
  const Json report = document(completed);
  CHECK(number_member(report, "entries") == of.entries);
  for (const std::string part : {"entries", "tree", "claims", "approvals", "checkpoint"}) {
    const bool is_yes = std::ranges::find(of.yes, part) != of.yes.end();
    CAPTURE(part);
    CHECK((string_member(*report.find("verdicts"), part) == "yes") == is_yes);
  }
  CHECK((string_member(*report.find("verdicts"), "witnesses") == "yes") == (of.entries == 300));
  if (of.entries != 300) {
    const Completed shown = cli(arguments, {.env = {"NO_COLOR=1"}, .terminal = true});
    CHECK(contains(shown.out, "witnesses     not checked   not all of it could be read"));
  }
}

TEST_CASE("a pipe in the place of a file cannot make log verify wait") {
  Exporting log;
  log.send(2);
  REQUIRE(log.run_export().exit_code == 0);
  for (const std::string name : {"checkpoint", "tile/0/000.p/2"}) {
    const std::string file = log.path() + "/" + name;
    const std::string whole = read_file(file);
    fs::remove(file);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    const Completed completed = log.verify();
    CHECK(completed.exit_code == 1);
    CHECK(contains(completed.out, "it is no regular file"));
    fs::remove(file);
    write_file(file, whole);
  }
  REQUIRE(::mkfifo((log.dir / "key").c_str(), 0600) == 0);
  CHECK(cli({"log", "verify", log.path(), "--log-key", "@" + (log.dir / "key").string()}).exit_code == 2);
}

}  // namespace
}  // namespace openexec::test
