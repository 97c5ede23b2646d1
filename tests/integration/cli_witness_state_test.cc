// SPDX-License-Identifier: Apache-2.0
// What `openexec witness` has on disk: before it answers, when it is damaged, and with many at work at one time.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "proto-json/limits.h"
#include "proto-json/witness.h"
#include "tests/integration/witnessed.h"
#include "tests/support/catch.h"
#include "tests/support/made_log.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

TEST_CASE("a record that is damaged, of another log or of another witness stops that log, not the others",
          "[integration]") {
  MadeLog second("vm2/openexec", 2);
  second.append_many(2);
  const WitnessFolder witness({MadeLog().vkey(), second.vkey()});
  const MadeLog log = made_log(6);
  REQUIRE(witness.cosign(log.submission(0, 4)).exit_code == 0);
  const std::string good = read_file(witness.state());
  const NoteSigner other = made_signer("audit/w1", NoteKeyType::cosignature, 9);
  const std::vector<std::string> damaged = {
      "",
      good.substr(0, good.size() - 1),
      good + "x",
      log.checkpoint(4),  // no cosignature
      log.checkpoint(4) + cosignature_line(other, log.checkpoint(4), 1),
      second.checkpoint() + cosignature_line(witness.signer(), second.checkpoint(), 1)};
  const std::string& bad = damaged.at(GENERATE(0U, 1U, 2U, 3U, 4U, 5U));
  std::ofstream(witness.state(), std::ios::binary | std::ios::trunc) << bad;
  const Completed answer = witness.cosign(log.submission(4, 6));
  CHECK(answer.exit_code == 1);
  CHECK(answer.out.empty());
  CHECK(contains(answer.err, "is damaged"));
  CHECK(read_file(witness.state()) == bad);
  CHECK(witness.cosign(second.submission(0, 2)).exit_code == 0);
  const Completed shown = witness.run({"show"});
  CHECK(shown.exit_code == 1);
  CHECK(contains(shown.out, "is damaged"));

  std::ofstream(witness.state(), std::ios::binary | std::ios::trunc) << good;
  CHECK(witness.cosign(log.submission(4, 6)).exit_code == 0);
}

TEST_CASE("a folder that lacks a part, or that others can use, cosigns nothing", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  const std::string submission = made_log(2).submission(0, 2);
  SECTION("no state") { fs::remove_all((witness / "state")); }
  SECTION("no list of logs") { fs::remove((witness / "logs")); }
  SECTION("a damaged list of logs") { std::ofstream((witness / "logs")) << MadeLog().vkey(); }
  SECTION("no key") { fs::remove((witness / "witness.key")); }
  SECTION("the key of somebody else") {
    std::ofstream((witness / "witness.vkey"), std::ios::trunc)
        << to_vkey(made_signer("audit/w1", NoteKeyType::cosignature, 9).key()) << "\n";
  }
  SECTION("a key that others can read") {
    fs::permissions((witness / "witness.key"), fs::perms::group_read, fs::perm_options::add);
  }
  SECTION("a folder that others can enter") {
    fs::permissions(witness.dir(), fs::perms::others_exec, fs::perm_options::add);
  }
  SECTION("a state that is no file") { fs::create_directory(witness.state()); }
  SECTION("none at all") { fs::remove_all(witness.dir()); }
  const Completed answer = witness.cosign(submission);
  CHECK(answer.exit_code == 1);
  CHECK(answer.out.empty());
  CHECK(answer.err.starts_with("openexec: "));
}

TEST_CASE("what is cosigned is on disk before it is answered", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  ProcessOptions options;
  // Nobody can read the answer: it is lost after it was made.
  options.argv = {"/bin/sh", "-c", R"(exec "$0" witness cosign --dir "$1" > /dev/full)", openexec_path(),
                  witness.dir()};
  options.stdin_text = made_log(3).submission(0, 3);
  CHECK(run(options).exit_code == 1);
  CHECK(witness.size() == 3);
}

TEST_CASE("what cannot be written is not answered", "[integration]") {
  if (::geteuid() == 0) {
    // Permissions stop nobody then: a folder in the place of the file beside does.
    const WitnessFolder witness({MadeLog().vkey()});
    const fs::path beside = witness.state().parent_path() / ("." + witness.state().filename().string() + ".new");
    fs::create_directories(beside / "x");
    const Completed answer = witness.cosign(made_log(3).submission(0, 3));
    CHECK(answer.exit_code == 1);
    CHECK(answer.out.empty());
    CHECK(witness.size() == -1);
  } else {
    const WitnessFolder witness({MadeLog().vkey()});
    fs::permissions((witness / "state"), fs::perms::owner_write, fs::perm_options::remove);
    const Completed answer = witness.cosign(made_log(3).submission(0, 3));
    fs::permissions((witness / "state"), fs::perms::owner_all);
    CHECK(answer.exit_code == 1);
    CHECK(answer.out.empty());
    CHECK(witness.size() == -1);
  }
}

TEST_CASE("evidence and log keys have a bound, and past it nothing is lost in silence", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  REQUIRE(witness.cosign(made_log(7).submission(0, 7)).exit_code == 0);
  const auto fill = [&](const std::string& kind, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      std::ofstream(witness /
                    ("evidence/" + kind + "-" + witness.state().filename().string() + "-" + std::to_string(i)));
    }
  };
  fill("doubt", limits::witness_doubts_per_log_max);
  const Completed refused = witness.cosign(made_log(4).submission(4, 4));
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.err, "could not be kept as evidence"));
  CHECK(contains(refused.err, "move them to a safe place"));
  CHECK(witness.evidence().size() == limits::witness_doubts_per_log_max);

  // A fork has room of its own.
  const Completed fork = witness.cosign(made_log(7, "other").submission(7, 7));
  CHECK(contains(fork.err, "Both checkpoints, as they were signed, are in"));
  CHECK(witness.evidence().size() == limits::witness_doubts_per_log_max + 1);
  fill("fork", limits::witness_forks_per_log_max);
  CHECK(contains(witness.cosign(made_log(9, "other").submission(7, 9)).err, "could not be kept as evidence"));

  {
    std::ofstream logs(witness / "logs", std::ios::trunc);
    for (std::size_t i = 0; i < limits::witness_logs_max; ++i) {
      logs << MadeLog("log/" + std::to_string(i)).vkey() << "\n";
    }
  }
  CHECK(witness.run({"trust", MadeLog("log/0").vkey()}).exit_code == 0);  // is there already
  const Completed full = witness.run({"trust", MadeLog().vkey()});
  CHECK(full.exit_code == 1);
  CHECK(contains(full.err, "at most " + std::to_string(limits::witness_logs_max)));
}

// One process that submits until the witness has that size or a larger one, going on from what it is told. What was
// cosigned is checked against what was on disk before it was asked.
struct Submitter {
  std::vector<std::string> problems;
  int cosigned = 0;

  void run(const WitnessFolder& witness, const MadeLog& log, std::uint64_t to, const std::atomic<std::uint64_t>& seen) {
    std::uint64_t from = 0;
    while (from <= to) {
      const std::uint64_t before = seen;
      const Completed answer = witness.cosign(log.submission(from, to));
      if (answer.exit_code == 0) {
        ++cosigned;
        if (to < before) {
          problems.push_back("cosigned " + std::to_string(to) + " after " + std::to_string(before));
        }
        return;
      }
      const auto read = read_witness_answer(answer.out);
      if (!read || !std::holds_alternative<WitnessConflict>(*read)) {
        problems.push_back(answer.out + answer.err);
        return;
      }
      from = std::get<WitnessConflict>(*read).size;
    }
  }
};

TEST_CASE("submissions at the same time never take a witness back", "[integration]") {
  const WitnessFolder witness({MadeLog().vkey()});
  constexpr std::uint64_t size_max = 48;
  const MadeLog log = made_log(size_max);
  std::atomic<std::uint64_t> seen = 0;  // on disk, by whoever looked last
  std::atomic<bool> is_over = false;
  std::vector<std::string> went_back;
  std::thread watcher([&] {
    while (!is_over) {
      if (fs::exists(witness.state())) {
        std::ifstream file(witness.state(), std::ios::binary);  // and no macro of Catch: this is a thread
        const auto note = read_note(std::string(std::istreambuf_iterator<char>(file), {}));
        const auto checkpoint = note ? read_checkpoint_text(note->text) : std::unexpected(note.error());
        if (!checkpoint || checkpoint->size < seen) {
          went_back.push_back(checkpoint ? std::to_string(checkpoint->size) : checkpoint.error());
        } else {
          seen = checkpoint->size;
        }
      }
    }
  });
  constexpr std::uint64_t at_once = 8;
  std::vector<Submitter> submitters(at_once);
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < at_once; ++i) {
    threads.emplace_back([&, i] {
      for (std::uint64_t to = i + 1; to <= size_max; to += at_once) {
        submitters[i].run(witness, log, to, seen);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  is_over = true;
  watcher.join();
  CHECK(went_back == std::vector<std::string>());
  int cosigned = 0;
  for (const Submitter& submitter : submitters) {
    CHECK(submitter.problems == std::vector<std::string>());
    cosigned += submitter.cosigned;
  }
  CHECK(cosigned > 0);
  CHECK(witness.size() == size_max);
}

}  // namespace
}  // namespace openexec::test
