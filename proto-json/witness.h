// SPDX-License-Identifier: Apache-2.0
// The rules of a witness (c2sp.org/tlog-witness, add-checkpoint): what a log submits, and when it may be cosigned. The
// files, the lock and the key are the program's (client/cli/witness.cc).
//
//   submission = "old " decimal "\n" *63(base64(hash) "\n") "\n" signed note
//   answer     = 1*signature-line                     cosigned
//              / decimal "\n"                         not cosigned: the size that the witness has of this log
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto-json/checkpoint.h"
#include "proto-json/note.h"

namespace openexec {

struct Submission {
  std::uint64_t old_size = 0;
  std::vector<Hash> consistency;  // from old_size to the checkpoint's size
  std::string checkpoint;         // the signed note, byte for byte
  bool operator==(const Submission&) const = default;
};
std::string to_text(const Submission& submission);
// At most submission_bytes_max. The error is a text for a person.
std::expected<Submission, std::string> read_submission(std::string_view bytes);

struct WitnessConflict {
  std::uint64_t size = 0;  // of the latest checkpoint that the witness cosigned
  bool operator==(const WitnessConflict&) const = default;
};
using WitnessAnswer = std::variant<std::vector<NoteSignature>, WitnessConflict>;
std::string to_text(const WitnessAnswer& answer);
std::expected<WitnessAnswer, std::string> read_witness_answer(std::string_view bytes);

// Why a submission is not cosigned, and the HTTP status that the specification gives it.
enum class WitnessRefusal {
  malformed = 400,       // no submission, its old size is past its checkpoint's, or that has extension lines
  not_signed = 403,      // no trusted key signed it
  unknown_log = 404,     // the witness was not given a key for that origin
  conflict = 409,        // its old size is not the witness's: ask again with that
  rolled_back = 4090,    // conflict: the log's own latest checkpoint is older than what it signed before
  forked = 4091,         // conflict: another root of the same size, or of the first entries of a larger one
  not_consistent = 422,  // the proof does not verify: a mistake of the sender's, or a history that it cannot tell
};

struct WitnessDecision {
  // To be cosigned, once it is persisted as the latest of its log.
  struct Cosign {
    Note note;
    Checkpoint checkpoint;
  };
  struct Refuse {
    WitnessRefusal why;
    std::string message;                       // what is wrong and what it means, for an operator
    std::optional<std::uint64_t> latest_size;  // of the witness, where the answer is a size
    // The log's key signed both this and the latest, and they do not fit together: keep both. Of a fork they, with the
    // proof where their sizes differ, convict the key's holder; else there may be an innocent reason.
    bool is_evidence = false;
  };
  std::variant<Cosign, Refuse> outcome;
};

// What a trusted log signed, so that its record can be looked up before it is judged: the note and the checkpoint, or
// why there is none.
struct OpenedSubmission {
  Submission submission;
  Note note;
  Checkpoint checkpoint;
};
std::expected<OpenedSubmission, WitnessDecision::Refuse> open_submission(std::string_view bytes,
                                                                         std::span<const NoteKey> logs);
// `latest`: the checkpoint that this witness cosigned last for that origin; nothing when it never did.
WitnessDecision judge(const OpenedSubmission& opened, const std::optional<Checkpoint>& latest);

}  // namespace openexec
