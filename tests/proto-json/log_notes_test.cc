// SPDX-License-Identifier: Apache-2.0
#include "proto-json/log_notes.h"

#include <optional>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/note_keys.h"

namespace openexec {
namespace {

struct Cosigned {
  NoteSigner log = test_log("host.example/openexec");
  NoteSigner witness = test_witness("w1");
  NoteSigner other = test_witness("w2");
  Checkpoint checkpoint{"host.example/openexec", 3, sha256("root")};
  Note note = read_note(sign_checkpoint(log, checkpoint)).value();

  Cosigned() { note.signatures.push_back(cosign(witness, note.text, 7)); }
  [[nodiscard]] std::string_view answer(const LogTrust& trust, std::optional<Hash> root) const {
    LogReport report;
    const std::string text = to_text(note);
    LogNotes(text, std::nullopt, report).judge(trust, std::nullopt, 3, [&](std::uint64_t) { return root; });
    return report.findings.answer(LogPart::witnesses);
  }
};

TEST_CASE("without a quorum all witnesses that are trusted must have cosigned, and one at least") {
  const Cosigned of;
  const auto wanted = [&](const std::vector<NoteKey>& keys, std::optional<std::size_t> quorum) {
    return cosigners_of(of.note, keys, quorum, of.log.key().key).wanted;
  };
  CHECK(wanted({of.witness.key()}, {}) == 1);
  CHECK(wanted({of.witness.key(), of.other.key()}, {}) == 2);
  CHECK(wanted({of.witness.key(), of.witness.key()}, {}) == 1);
  CHECK(wanted({of.witness.key(), of.other.key()}, 1) == 1);
  CHECK(wanted({of.witness.key()}, 0) == 1);
  CHECK(of.answer({.log = of.log.key(), .witnesses = {of.witness.key()}}, of.checkpoint.root) == "yes");
  CHECK(of.answer({.log = of.log.key(), .witnesses = {of.witness.key(), of.other.key()}}, of.checkpoint.root) == "no");
  CHECK(of.answer({.log = of.log.key(), .witnesses = {of.other.key()}, .quorum = 0}, of.checkpoint.root) == "no");
  CHECK(of.answer({.log = of.log.key()}, of.checkpoint.root) == "not checked");
}

TEST_CASE("a checkpoint of entries whose root is not known is not checked") {
  const Cosigned of;
  const LogTrust trust{.log = of.log.key(), .witnesses = {of.witness.key()}};
  CHECK(of.answer(trust, std::nullopt) == "not checked");
  LogReport report;
  const std::string text = to_text(of.note);
  LogNotes(text, std::nullopt, report).judge(trust, std::nullopt, 3, [](std::uint64_t) { return std::nullopt; });
  CHECK(report.findings.answer(LogPart::checkpoint) == "not checked");
}

}  // namespace
}  // namespace openexec
