// SPDX-License-Identifier: Apache-2.0
#include "proto-json/witness.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "proto-json/check.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/merkle.h"
#include "proto-json/names.h"
#include "proto-json/text_lines.h"

namespace openexec {
namespace {

using Refuse = WitnessDecision::Refuse;

constexpr std::string_view old_prefix = "old ";

std::unexpected<std::string> wrong(std::string_view what) { return std::unexpected(std::string(what)); }

std::unexpected<Refuse> malformed(std::string message) {
  return std::unexpected(Refuse{WitnessRefusal::malformed, std::move(message), std::nullopt, false});
}

// Nothing when one trusted key or more of that name signed the note and no signature of theirs is wrong.
std::optional<Refuse> find_signing_fault(const Note& note, const std::string& origin, std::span<const NoteKey> logs) {
  bool is_known = false;
  bool is_signed = false;
  for (const NoteKey& key : logs) {
    if (key.name != origin || key.type != NoteKeyType::ed25519) {
      continue;
    }
    is_known = true;
    if (std::ranges::none_of(note.signatures, [&](const NoteSignature& each) { return is_by(each, key); })) {
      continue;  // a log may have more than one key
    }
    const auto opened = open_checkpoint(note, key);
    if (!opened) {
      return Refuse{WitnessRefusal::not_signed, opened.error(), std::nullopt, false};
    }
    is_signed = true;
  }
  if (!is_known) {
    return Refuse{WitnessRefusal::unknown_log, "this witness was given no key for the log " + quoted_name(origin),
                  std::nullopt, false};
  }
  if (!is_signed) {
    return Refuse{WitnessRefusal::not_signed,
                  fmt::format("no key that this witness trusts for the log {} signed the checkpoint", origin),
                  std::nullopt, false};
  }
  return std::nullopt;
}

Refuse rolled_back(const Checkpoint& latest, const Checkpoint& submitted) {
  return {WitnessRefusal::rolled_back,
          fmt::format("this witness cosigned {} entries of the log {}, and the log now shows {}: it was put back to an "
                      "older copy, or an old checkpoint was sent. Nothing was cosigned",
                      latest.size, latest.origin, submitted.size),
          latest.size, true};
}

Refuse forked(const Checkpoint& latest) {
  return {
      WitnessRefusal::forked,
      fmt::format("the log {} has two histories of {} entries: the one that this witness cosigned, and this one with "
                  "another root. Both are signed with its key: a copy of it was continued, or entries were changed. "
                  "Nothing was cosigned",
                  latest.origin, latest.size),
      latest.size, true};
}

Refuse conflict(const Checkpoint& latest, std::uint64_t old_size) {
  return {WitnessRefusal::conflict,
          fmt::format("the submission goes on from {} entries, and this witness cosigned {} of the log {}: submit from "
                      "there",
                      old_size, latest.size, latest.origin),
          latest.size, false};
}

Refuse forked_before(const Checkpoint& latest, const Checkpoint& submitted) {
  return {
      WitnessRefusal::forked,
      fmt::format("the log {} has two histories of {} entries: the one that this witness cosigned, and the one that "
                  "its {} entries begin with, as their consistency proof shows. Both are signed with its key: a "
                  "copy of it was continued, or entries were changed. Nothing was cosigned",
                  latest.origin, latest.size, submitted.size),
      std::nullopt, true};
}

Refuse not_consistent(const Checkpoint& latest, const Checkpoint& submitted, std::size_t hashes) {
  // Where the old size is a power of two, a proof of another history looks like a wrong one: if it has as many hashes
  // as it must have, it may be either.
  const bool may_be_right = std::has_single_bit(latest.size) && latest.size < submitted.size &&
                            hashes == consistency_nodes(latest.size, submitted.size).size();
  if (!may_be_right) {
    return {
        WitnessRefusal::not_consistent,
        fmt::format("the consistency proof is wrong: it is none from {} entries to the root of these {}. Nothing was "
                    "cosigned",
                    latest.size, submitted.size),
        std::nullopt, false};
  }
  return {
      WitnessRefusal::not_consistent,
      fmt::format("the new tree of the log {}, of {} entries, does not begin with the {} that this witness cosigned, "
                  "or the consistency proof is wrong. Nothing was cosigned",
                  latest.origin, submitted.size, latest.size),
      std::nullopt, true};
}

}  // namespace

std::string to_text(const Submission& submission) {
  std::string out = fmt::format("{}{}\n", old_prefix, submission.old_size);
  for (const Hash& hash : submission.consistency) {
    out += to_base64_line(hash);
  }
  return out + "\n" + submission.checkpoint;
}

std::expected<Submission, std::string> read_submission(std::string_view bytes) {
  if (bytes.size() > limits::submission_bytes_max) {
    return wrong("it is too long for a submission");
  }
  const auto line = take_line(bytes);
  const auto old_size =
      line && line->starts_with(old_prefix) ? read_decimal(line->substr(old_prefix.size())) : std::nullopt;
  if (!old_size) {
    return wrong("it is no submission: one begins with a line of 'old' and a size");
  }
  auto consistency = take_hash_lines(bytes, limits::proof_hashes_max);
  if (!consistency) {
    return wrong("the submission's consistency proof is ill-formed");
  }
  return Submission{*old_size, *std::move(consistency), std::string(bytes)};
}

std::string to_text(const WitnessAnswer& answer) {
  if (const auto* const conflict = std::get_if<WitnessConflict>(&answer)) {
    return fmt::format("{}\n", conflict->size);
  }
  std::string out;
  for (const NoteSignature& each : std::get<std::vector<NoteSignature>>(answer)) {
    out += to_signature_line(each);
  }
  return out;
}

std::expected<WitnessAnswer, std::string> read_witness_answer(std::string_view bytes) {
  std::string_view rest = bytes;
  const auto line = take_line(rest);
  const auto size = line && rest.empty() ? read_decimal(*line) : std::nullopt;
  if (size) {
    return WitnessConflict{*size};
  }
  auto signatures = read_signature_lines(bytes);
  if (!signatures) {
    return std::unexpected("it is no witness's answer: " + signatures.error());
  }
  return *std::move(signatures);
}

std::expected<OpenedSubmission, Refuse> open_submission(std::string_view bytes, std::span<const NoteKey> logs) {
  auto submission = read_submission(bytes);
  if (!submission) {
    return malformed(submission.error());
  }
  auto note = read_note(submission->checkpoint);
  if (!note) {
    return malformed("the submission's checkpoint is no signed note: " + note.error());
  }
  auto checkpoint = read_checkpoint_text(note->text);
  if (!checkpoint) {
    return malformed(checkpoint.error());
  }
  if (!has_no_control_characters(checkpoint->origin)) {
    return malformed("the checkpoint's origin has control characters");
  }
  if (note->text != to_text(*checkpoint)) {
    return malformed(
        "the checkpoint has extension lines: a cosignature would stand for them too, and this witness cannot tell what "
        "they say");
  }
  if (auto fault = find_signing_fault(*note, checkpoint->origin, logs)) {
    return std::unexpected(*std::move(fault));
  }
  if (submission->old_size > checkpoint->size) {
    return malformed(
        fmt::format("the submission goes on from {} entries to fewer, {}", submission->old_size, checkpoint->size));
  }
  return OpenedSubmission{*std::move(submission), *std::move(note), *std::move(checkpoint)};
}

WitnessDecision judge(const OpenedSubmission& opened, const std::optional<Checkpoint>& latest) {
  const Checkpoint& submitted = opened.checkpoint;
  const Checkpoint last = latest.value_or(Checkpoint{submitted.origin, 0, empty_root()});
  OPENEXEC_CHECK(last.origin == submitted.origin);
  // First what the two checkpoints say by themselves, whatever the sender thought the latest was.
  if (submitted.size < last.size) {
    return {rolled_back(last, submitted)};
  }
  if (latest && submitted.size == last.size && submitted.root != last.root) {
    return {forked(last)};
  }
  if (opened.submission.old_size != last.size) {
    return {conflict(last, opened.submission.old_size)};
  }
  switch (check_consistency(last.size, submitted.size, last.root, submitted.root, opened.submission.consistency)) {
    case Consistency::shown:
      return {WitnessDecision::Cosign{opened.note, submitted}};
    case Consistency::other_history:
      return {forked_before(last, submitted)};
    case Consistency::not_shown:
      return {not_consistent(last, submitted, opened.submission.consistency.size())};
  }
  std::unreachable();
}

}  // namespace openexec
