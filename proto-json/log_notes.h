// SPDX-License-Identifier: Apache-2.0
// The checkpoints that stand beside a log, held against the entries that are there and the keys that the verifier
// trusts.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/checkpoint.h"
#include "proto-json/log_report.h"
#include "proto-json/note.h"

namespace openexec {

// What the verifier trusts. Keys that stand beside the log prove nothing against who holds the host.
struct LogTrust {
  std::optional<NoteKey> log;           // of type ed25519
  std::vector<NoteKey> witnesses{};     // of type cosignature; a key that stands here twice counts once
  std::optional<std::size_t> quorum{};  // how many of them must have cosigned, 1 or more; all when left out
};

// Which of the witnesses that a verifier trusts cosigned a note.
struct Cosigners {
  std::vector<Cosignature> found;  // that verified: one for each key, whatever its names
  std::vector<std::string> wrong;  // why, of each cosignature of theirs that does not verify
  std::size_t keys = 0;            // that may count. Who holds the log's key is no witness of it
  std::size_t wanted = 0;
};
Cosigners cosigners_of(const Note& note, std::span<const NoteKey> witnesses, std::optional<std::size_t> quorum,
                       const std::optional<PublicKey>& log);

class LogNotes {
 public:
  // The signed notes as they stand there. What cannot be read is found here.
  LogNotes(std::optional<std::string_view> latest, std::optional<std::string_view> cosigned, LogReport& report);

  // The sizes whose roots judge() asks for.
  [[nodiscard]] std::vector<std::uint64_t> sizes() const;

  // `own_key`: the key that the log says is its own; nothing when it says none. `entries`: how many there are.
  // `root_of`: the root of the first so many of them; nothing when that cannot be known. What a checkpoint of that size
  // signs is then not checked.
  using RootOf = std::function<std::optional<Hash>(std::uint64_t size)>;
  void judge(const LogTrust& trust, const std::optional<NoteKey>& own_key, std::uint64_t entries,
             const RootOf& root_of) const;

 private:
  struct Opened {
    Note note;
    Checkpoint checkpoint;
  };
  std::optional<Opened> open(std::string_view which, std::optional<std::string_view> text);
  void judge_one(std::string_view which, const Opened& opened, const std::optional<NoteKey>& key, std::uint64_t entries,
                 const RootOf& root_of) const;
  void judge_witnesses(const LogTrust& trust, std::uint64_t entries, const RootOf& root_of) const;

  LogReport& report_;
  std::optional<Opened> latest_;
  std::optional<Opened> cosigned_;
};

// Whether a log went back, by a mark of how far it had come that was kept elsewhere.
void judge_high_water(const Checkpoint& mark, std::string_view origin, std::uint64_t entries,
                      const LogNotes::RootOf& root_of, LogReport& report);

}  // namespace openexec
