// SPDX-License-Identifier: Apache-2.0
// What a witness keeps, in a folder (0700) of its own:
//
//   witness.key   its secret key, PEM
//   witness.vkey  its verifier key
//   logs          the verifier keys of the logs that it cosigns, one a line
//   state/HASH    the note it cosigned last for the log whose origin has that SHA-256, its own cosignature included
//   evidence/     pairs of checkpoints that one log signed and that do not fit together: fork-… convict the log, of
//                 doubt-… there may be an innocent reason
//   lock          held from before a state is read until what follows from it is written
//
// Files are replaced whole: written beside, synced, renamed, and the folder synced. One that cannot be read is an error
// and never taken for one that is not there. Errors are texts for a person, already printable.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/command.h"
#include "client/cli/file.h"
#include "proto-json/checkpoint.h"
#include "proto-json/note.h"

namespace openexec::cli {

// --dir.
void add_dir_option(App& app, std::string& dir);
// What --dir names; else $XDG_STATE_HOME/openexec-witness, or ~/.local/state/openexec-witness.
std::expected<std::string, std::string> witness_dir(const std::string& dir);

// What the witness cosigned last for a log.
struct LatestCosigned {
  Note note;
  Checkpoint checkpoint;
  std::uint64_t time_s = 0;
};

// Of files below evidence/.
enum class EvidenceKind { fork, doubt };

class WitnessFolder {
 public:
  // Makes the folder and a key; refuses one that has a key already.
  static std::expected<WitnessFolder, std::string> make(const std::string& dir, std::string_view name,
                                                        std::span<const NoteKey> logs);
  static std::expected<WitnessFolder, std::string> open(const std::string& dir);

  [[nodiscard]] const std::string& dir() const { return dir_; }
  [[nodiscard]] const NoteKey& key() const { return key_; }
  [[nodiscard]] std::expected<NoteSigner, std::string> read_signer() const;

  // Waits until no other process holds it. Held until the file is closed.
  [[nodiscard]] std::expected<File, std::string> lock() const;

  [[nodiscard]] std::expected<std::vector<NoteKey>, std::string> read_logs() const;
  // With the lock held. A key that is there already stays once.
  [[nodiscard]] std::expected<void, std::string> add_log(const NoteKey& log) const;

  // Nothing when it has cosigned none of that origin.
  [[nodiscard]] std::expected<std::optional<LatestCosigned>, std::string> latest(std::string_view origin,
                                                                                 std::span<const NoteKey> logs) const;
  // Whether latest() will read that note again, so that it may be kept.
  [[nodiscard]] std::expected<void, std::string> check_latest(std::string_view origin, std::span<const NoteKey> logs,
                                                              const Note& note) const;
  // With the lock held. It is on disk when this returns.
  [[nodiscard]] std::expected<void, std::string> put_latest(std::string_view origin, const Note& note) const;

  // With the lock held. Where the evidence of these two stands: a new file with that text, or the one that there is of
  // them. There is a bound of each kind for each log, so that no log and no sender of old checkpoints takes the room of
  // another.
  [[nodiscard]] std::expected<std::string, std::string> keep_evidence(EvidenceKind kind, const Checkpoint& cosigned,
                                                                      const Checkpoint& submitted,
                                                                      std::string_view text) const;
  // Of files whose names begin so.
  [[nodiscard]] std::expected<std::size_t, std::string> evidence_count(std::string_view prefix = {}) const;

 private:
  WitnessFolder(std::string dir, NoteKey key) : dir_(std::move(dir)), key_(std::move(key)) {}

  std::string dir_;
  NoteKey key_;
};

}  // namespace openexec::cli
