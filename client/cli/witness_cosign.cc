// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <utility>

#include "client/cli/input.h"
#include "client/cli/screen.h"
#include "client/cli/witness_folder.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/text_lines.h"
#include "proto-json/witness.h"

namespace openexec::cli {
namespace {

using Refuse = WitnessDecision::Refuse;

std::uint64_t now_s() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count(), 0));
}

// What the two checkpoints, the first cosigned and the second refused, do and do not prove, and how to check it.
std::string what_it_shows(WitnessRefusal why, const Checkpoint& first, const Checkpoint& second) {
  constexpr std::string_view signatures =
      "To check: verify the log's signature on each note below (c2sp.org/signed-note) with the key that you trust, "
      "then ";
  switch (why) {
    case WitnessRefusal::rolled_back:
      return fmt::format(
          "The second is of fewer entries than the first, and was submitted after it: the log's store was put back to "
          "an\nolder copy, or somebody sent an old checkpoint again. This file alone does not tell which.\n"
          "{}compare their second lines, the sizes.\n",
          signatures);
    case WitnessRefusal::forked:
      return first.size == second.size
                 ? fmt::format(
                       "They have the same size and different roots: the log has two histories, and no honest "
                       "one has. Nothing\nelse is needed to prove it.\n"
                       "{}compare their second and third lines, size and root.\n",
                       signatures)
                 : fmt::format(
                       "The second is of more entries, and its first {0} are not those of the first: the log has two "
                       "histories, and no\nhonest one has. Nothing else is needed to prove it. The consistency proof "
                       "below (RFC 6962, 2.1.2) leads to the root\nof the second, and from another root of {0} entries "
                       "than that of the first.\n"
                       "{1}compute both roots from the hashes of the proof (RFC 9162, 2.1.4.2): sr is the second's, "
                       "fr is not the first's.\n",
                       first.size, signatures);
    case WitnessRefusal::not_consistent:
      return fmt::format(
          "The second is of more entries. {0} is a power of two, so the root of the first is itself the first node of "
          "their\nconsistency proof (RFC 6962, 2.1.2); with the proof below it does not lead to the root of the "
          "second. "
          "Either the\nsecond tree begins with other entries, and the log has two histories, or the proof that was "
          "submitted is wrong:\nthis file alone does not tell which. The root of the log's first {0} entries, as its "
          "second tree has them, does:\nwhere it leads with a proof to the root of the second and is not that of the "
          "first, the log has two histories.\n"
          "{1}compute that root from the log's entries, and what it leads to (RFC 9162, 2.1.4.2).\n",
          first.size, signatures);
    case WitnessRefusal::malformed:
    case WitnessRefusal::not_signed:
    case WitnessRefusal::unknown_log:
    case WitnessRefusal::conflict:
      return "";
  }
  std::unreachable();
}

// "old 3", and the hashes.
std::string proof_text(const Submission& submission) {
  std::string out = fmt::format("old {}\n", submission.old_size);
  for (const Hash& hash : submission.consistency) {
    out += to_base64_line(hash);
  }
  return out;
}

class Cosigning {
 public:
  Cosigning(const Screen& screen, const WitnessFolder& folder, const NoteSigner& signer)
      : screen_(screen), folder_(folder), signer_(signer) {}

  // With the lock held.
  Exit answer(std::string_view submission) {
    const auto logs = folder_.read_logs();
    if (!logs) {
      return fail(logs.error());
    }
    const auto opened = open_submission(submission, *logs);
    if (!opened) {
      return refuse(opened.error(), "");
    }
    const auto latest = folder_.latest(opened->checkpoint.origin, *logs);
    if (!latest) {
      return fail(latest.error());
    }
    const WitnessDecision decision =
        judge(*opened, *latest ? std::optional((*latest)->checkpoint) : std::optional<Checkpoint>());
    if (const auto* cosigned = std::get_if<WitnessDecision::Cosign>(&decision.outcome)) {
      return cosign_and_keep(*cosigned, *logs, *latest ? (*latest)->time_s : 0);
    }
    const auto& refusal = std::get<Refuse>(decision.outcome);
    return refuse(refusal, refusal.is_evidence && *latest ? keep_evidence(refusal, *opened, **latest, *logs) : "");
  }

 private:
  // No message of a failure here may be taken for permission to start again with an empty folder.
  static Exit fail(std::string_view why) {
    complain(why,
             "Nothing was cosigned. Put the folder back as it was: a witness that starts again has forgotten what it\n"
             "has seen.");
    return Exit::refused;
  }

  Exit refuse(const Refuse& refusal, std::string_view next) const {
    complain(printable(refusal.message), next);
    if (refusal.latest_size) {
      screen_.print(to_text(WitnessAnswer{WitnessConflict{*refusal.latest_size}}));
    }
    return Exit::refused;
  }

  Exit cosign_and_keep(const WitnessDecision::Cosign& decision, std::span<const NoteKey> logs,
                       std::uint64_t latest_time_s) const {
    const std::string& origin = decision.checkpoint.origin;
    Note kept = with_lines_of(decision.note, keys_of(origin, logs));
    const NoteSignature cosignature = cosign(signer_, kept.text, std::max(now_s(), latest_time_s));
    kept.signatures.push_back(cosignature);
    if (const auto readable = folder_.check_latest(origin, logs, kept); !readable) {
      complain(
          fmt::format("the checkpoint cannot be kept so that it could be read again: {}", printable(readable.error())),
          "Nothing was cosigned.");
      return Exit::refused;
    }
    if (const auto written = folder_.put_latest(origin, kept); !written) {
      return fail(written.error());
    }
    screen_.print(to_text(WitnessAnswer{std::vector{cosignature}}));
    return Exit::done;
  }

  static std::vector<NoteKey> keys_of(std::string_view origin, std::span<const NoteKey> logs) {
    std::vector<NoteKey> out;
    std::ranges::copy_if(logs, std::back_inserter(out), [&](const NoteKey& log) { return log.name == origin; });
    return out;
  }

  // What to say of the file.
  [[nodiscard]] std::string keep_evidence(const Refuse& refusal, const OpenedSubmission& opened,
                                          const LatestCosigned& latest, std::span<const NoteKey> logs) const {
    const Checkpoint& first = latest.checkpoint;
    const Checkpoint& second = opened.checkpoint;
    std::vector<NoteKey> keys = keys_of(second.origin, logs);
    const std::string submitted = to_text(with_lines_of(opened.note, keys));
    keys.push_back(folder_.key());
    std::string text = fmt::format(
        "Two checkpoints of the log {}, both signed with its key, which do not fit together.\n{}"
        "\n--- cosigned by {} ---\n{}\n--- submitted after that, and refused ---\n{}",
        second.origin, what_it_shows(refusal.why, first, second), folder_.key().name,
        to_text(with_lines_of(latest.note, keys)), submitted);
    if (first.size < second.size) {
      text += "\n--- the consistency proof that was submitted with it ---\n" + proof_text(opened.submission);
    }
    const auto kind = refusal.why == WitnessRefusal::forked ? EvidenceKind::fork : EvidenceKind::doubt;
    const auto kept = folder_.keep_evidence(kind, first, second, text);
    return kept ? fmt::format(
                      "Both checkpoints, as they were signed, are in\n  {}\n"
                      "Keep that file, and ask the log's operator before anybody relies on this log.",
                      printable(*kept))
                : fmt::format("Both checkpoints could not be kept as evidence: {}", kept.error());
  }

  const Screen& screen_;
  const WitnessFolder& folder_;
  const NoteSigner& signer_;
};

Exit cosign_one(const Globals& globals, const std::string& given_dir) {
  protect_secrets();
  const Screen screen(globals);
  const auto dir = witness_dir(given_dir);
  const auto folder = dir ? WitnessFolder::open(*dir) : std::unexpected(dir.error());
  const auto signer = folder ? folder->read_signer() : std::unexpected(folder.error());
  if (!signer) {
    complain(signer.error(), "Nothing was cosigned. openexec witness init makes a witness.");
    return Exit::refused;
  }
  const auto submission = read_whole_file("-", limits::submission_bytes_max);
  if (!submission) {
    complain(submission.error(), "Nothing was cosigned.");
    return Exit::refused;
  }
  const auto locked = folder->lock();
  if (!locked) {
    complain(locked.error(), "Nothing was cosigned.");
    return Exit::refused;
  }
  return Cosigning(screen, *folder, *signer).answer(*submission);
}

}  // namespace

Run set_up_witness_cosign(App& app) {
  const auto dir = std::make_shared<std::string>();
  add_dir_option(app, *dir);
  app.footer(
      "Reads one add-checkpoint body (c2sp.org/tlog-witness) and answers with cosignature lines, or with the size "
      "that\n"
      "it has of that log; why it refuses stands on standard error. What it cosigns is on disk before it answers.\n"
      "Over ssh, let the key of the log's host run this and nothing else (command= in authorized_keys).\n\n"
      "Example:\n  openexec log push --exec 'ssh audit.example openexec witness cosign'");
  return [dir](const Globals& globals) { return cosign_one(globals, *dir); };
}

}  // namespace openexec::cli
