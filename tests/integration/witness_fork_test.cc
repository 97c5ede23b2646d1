// SPDX-License-Identifier: Apache-2.0
// A witness that saw more: real stores that were copied and put back, high-water file and all, so that nothing on their
// own host can tell.
#include <bit>
#include <string>

#include "proto-json/checkpoint.h"
#include "proto-json/merkle.h"
#include "proto-json/note.h"
#include "proto-json/witness.h"
#include "tests/integration/witnessed.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

enum class Claim { rollback, fork, doubt };

// The note after a line of dashes that begins so.
Checkpoint checkpoint_after(const std::string& text, const std::string& head, const NoteKey& key) {
  const std::size_t heading = text.find("\n--- " + head);
  REQUIRE(heading != std::string::npos);
  const std::size_t begin = text.find(" ---\n", heading) + 5;
  const auto note = read_note(text.substr(begin, text.find("\n--- ", begin) - begin));
  REQUIRE(note);
  const auto checkpoint = open_checkpoint(*note, key);
  REQUIRE(checkpoint);
  return *checkpoint;
}

// That file holds two checkpoints of the log, each signed with its key, and shows what its name and text claim.
void check_evidence(const std::filesystem::path& file, const std::string& log_key, Claim claim) {
  const NoteKey key = read_vkey(log_key).value();
  const std::string text = read_file(file);
  INFO(text);
  const Checkpoint cosigned = checkpoint_after(text, "cosigned by audit/w1", key);
  const Checkpoint refused = checkpoint_after(text, "submitted after that", key);
  CHECK(cosigned != refused);
  CHECK(file.filename().string().starts_with(claim == Claim::fork ? "fork-" : "doubt-"));
  CHECK(contains(text, "Nothing\nelse is needed") + contains(text, "Nothing else is needed") == (claim == Claim::fork));
  const std::string proof_head = "\n--- the consistency proof that was submitted with it ---\n";
  CHECK(contains(text, proof_head) == (cosigned.size < refused.size));
  if (claim == Claim::rollback) {
    CHECK(refused.size < cosigned.size);
  } else if (cosigned.size == refused.size) {
    CHECK(claim == Claim::fork);
    CHECK(cosigned.root != refused.root);
  } else {
    const auto submission = read_submission(text.substr(text.find(proof_head) + proof_head.size()) + "\n");
    REQUIRE(submission);
    CHECK(submission->old_size == cosigned.size);
    CHECK(std::has_single_bit(cosigned.size) == (claim == Claim::doubt));
    CHECK(check_consistency(cosigned.size, refused.size, cosigned.root, refused.root, submission->consistency) ==
          (claim == Claim::fork ? Consistency::other_history : Consistency::not_shown));
  }
}

// Of the kind, by what its name begins with; there is one.
std::filesystem::path only_one(const WitnessFolder& witness, const std::string& prefix) {
  std::vector<std::filesystem::path> found;
  for (const auto& file : witness.evidence()) {
    if (file.filename().string().starts_with(prefix)) {
      found.push_back(file);
    }
  }
  REQUIRE(found.size() == 1);
  return found.front();
}

TEST_CASE("of two copies of a store that both went on, a witness cosigns one", "[integration]") {
  const WitnessFolder witness;
  const TempDir copy;
  WitnessedDaemon first(witness, demo_daemon());
  first.echo();
  REQUIRE(first.push().exit_code == 0);
  first.daemon().stop();
  first.copy_store_to(copy.path());
  first.daemon().start();

  WitnessedDaemon second(witness, demo_daemon());
  second.daemon().stop();
  second.put_store_from(copy.path());
  second.daemon().start();
  REQUIRE(cli({"log", "key"}, {.socket = second.socket()}).out == first.log_key() + "\n");

  first.echo();
  second.echo();
  CHECK(first.push().exit_code == 0);
  CHECK(witness.size() == 2);
  CHECK(witness.evidence().empty());

  const Completed same_size = second.push();
  CHECK(same_size.exit_code == 1);
  CHECK(contains(same_size.err, "has two histories of 2 entries"));
  REQUIRE(witness.evidence().size() == 1);
  CHECK(contains(same_size.err, witness.evidence().front().string()));
  check_evidence(witness.evidence().front(), first.log_key(), Claim::fork);

  second.echo();
  const Completed longer = second.push();
  CHECK(longer.exit_code == 1);
  CHECK(
      contains(longer.err, "does not begin with the 2 that this witness cosigned, or the consistency proof is wrong"));
  CHECK(witness.evidence().size() == 2);
  check_evidence(only_one(witness, "doubt-"), first.log_key(), Claim::doubt);
  CHECK(witness.size() == 2);

  first.echo();
  CHECK(first.push().exit_code == 0);  // the one that it knows goes on
  CHECK(witness.size() == 3);
  second.echo();
  const Completed from_three = second.push();
  CHECK(from_three.exit_code == 1);
  CHECK(contains(from_three.err, "has two histories of 3 entries"));
  CHECK(witness.evidence().size() == 3);
  for (const auto& file : witness.evidence()) {
    const bool is_fork = file.filename().string().starts_with("fork-");
    check_evidence(file, first.log_key(), is_fork ? Claim::fork : Claim::doubt);
  }
  CHECK(witness.size() == 3);
}

TEST_CASE("a store that was put back to an older copy is refused by a witness that saw the later size",
          "[integration]") {
  const WitnessFolder witness;
  const TempDir copy;
  WitnessedDaemon host(witness, demo_daemon());
  host.echo();
  REQUIRE(host.push().exit_code == 0);
  host.daemon().stop();
  host.copy_store_to(copy.path());
  host.daemon().start();
  host.echo();
  host.echo();
  REQUIRE(host.push().exit_code == 0);
  host.daemon().stop();
  host.put_store_from(copy.path());
  host.daemon().start();

  const Completed pushed = host.push();
  CHECK(pushed.exit_code == 1);
  CHECK(pushed.out.empty());
  CHECK(contains(pushed.err, "this log was rolled back: the witness has seen 3 entries, the log has 1"));
  REQUIRE(witness.evidence().size() == 1);
  check_evidence(witness.evidence().front(), host.log_key(), Claim::rollback);
  CHECK(witness.size() == 3);

  // Growing past that size again does not help.
  for (int i = 0; i < 4; ++i) {
    host.echo();
  }
  const Completed grown = host.push();
  CHECK(grown.exit_code == 1);
  CHECK(contains(grown.err, "has two histories of 3 entries"));
  check_evidence(only_one(witness, "fork-"), host.log_key(), Claim::fork);
  CHECK(witness.size() == 3);
}

TEST_CASE("once a witness cosigned, every proof of what it covers says so", "[integration]") {
  const WitnessFolder witness;
  WitnessedDaemon host(witness, demo_daemon());
  for (int i = 0; i < 5; ++i) {
    host.echo();
  }
  const TempDir dir;
  const auto verify = [&](const std::string& index, const std::string& file) {
    REQUIRE(cli({"receipt", "show", "--index", index, "--proof", dir / file}, {.socket = host.socket()}).exit_code ==
            0);
    return cli({"receipt", "verify", dir / file, "--log-key", host.log_key(), "--witness", witness.vkey()});
  };
  CHECK(verify("2", "before").exit_code == 1);
  const Completed pushed = host.push();
  CHECK(document(pushed) == parsed(R"({"size":5,"witnesses":["audit/w1"]})"));
  CHECK(verify("2", "after").exit_code == 0);
  CHECK(contains(cli({"health", "--format", "human"}, {.socket = host.socket()}).out,
                 "\nlog        vm1/openexec, 5 entries, witnessed to 5 at 20"));
  host.echo();
  CHECK(verify("2", "later").exit_code == 0);
  CHECK(verify("5", "too late").exit_code == 1);
  CHECK(cli({"log", "checkpoint", "--cosigned"}, {.socket = host.socket()}).exit_code == 0);
}

}  // namespace
}  // namespace openexec::test
