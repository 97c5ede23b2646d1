// SPDX-License-Identifier: Apache-2.0
// Checkpoints and cosignatures (c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature).
//
//   text        = origin "\n" size "\n" base64(root) "\n" *(extension "\n")
//   cosigned    = "cosignature/v1\n" "time " seconds "\n" text
//   cosignature = seconds (64 bits, big-endian) ‖ Ed25519 signature over that
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/crypto.h"
#include "proto-json/note.h"

namespace openexec {

struct Checkpoint {
  std::string origin;  // also the name of the log's key
  std::uint64_t size = 0;
  Hash root;
  bool operator==(const Checkpoint&) const = default;
};

// The name of a log in an epoch past its first: ORIGIN/epoch-N-XXXXXXXX, of SHA-256 of its key the first eight digits.
// Of two copies of one store that are both adopted, neither can be taken for the other.
std::string epoch_name(std::string_view origin, std::uint64_t epoch, const PublicKey& key);

std::string to_text(const Checkpoint& checkpoint);
// Of a note's text. Extension lines are let pass: they are signed, and say nothing of the tree.
std::expected<Checkpoint, std::string> read_checkpoint_text(std::string_view text);

// A name and a private key.
class NoteSigner {
 public:
  NoteSigner(std::string name, NoteKeyType type, SecretKey secret)
      : key_{std::move(name), type, secret.public_key()}, secret_(std::move(secret)) {}

  [[nodiscard]] const NoteKey& key() const { return key_; }

 private:
  friend NoteSignature sign(const NoteSigner& signer, std::string_view text);
  friend NoteSignature cosign(const NoteSigner& signer, std::string_view text, std::uint64_t time_s);
  NoteKey key_;
  SecretKey secret_;
};

// By a signer of type ed25519.
NoteSignature sign(const NoteSigner& signer, std::string_view text);
// The signed note.
std::string sign_checkpoint(const NoteSigner& log, const Checkpoint& checkpoint);
// By a signer of type cosignature. `time_s`: POSIX time.
NoteSignature cosign(const NoteSigner& signer, std::string_view text, std::uint64_t time_s);

// The checkpoint of a note that `log` signed and whose origin is that key's name. The error says what is not so.
std::expected<Checkpoint, std::string> open_checkpoint(const Note& note, const NoteKey& log);

struct Cosignature {
  std::string witness;       // name of its key
  std::uint64_t time_s = 0;  // POSIX time
  bool operator==(const Cosignature&) const = default;
};
// What `witness` says of the note: nothing when it says nothing, an error when its signature does not verify.
std::expected<std::optional<Cosignature>, std::string> cosignature_by(const Note& note, const NoteKey& witness);

}  // namespace openexec
