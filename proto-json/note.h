// SPDX-License-Identifier: Apache-2.0
// Signed notes and the keys that sign them (c2sp.org/signed-note).
//
//   note      = text "\n" 1*signature-line           the text ends in "\n"
//   signature-line = "— " name " " base64(key id ‖ signature) "\n"
//   key id    = SHA-256(name ‖ "\n" ‖ type ‖ key)[:4]
//   vkey      = name "+" hex(key id) "+" base64(type ‖ key)
//
// Who reads a note chooses the keys it trusts; the keys that a note names prove nothing.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"

namespace openexec {

// Signature types we make and check. A note may carry any other: those are kept, and count for nothing.
enum class NoteKeyType : std::uint8_t {
  ed25519 = 0x01,      // over the text: a log
  cosignature = 0x04,  // c2sp.org/tlog-cosignature, "cosignature/v1": a witness
};

using NoteKeyId = FixedBytes<4, struct NoteKeyIdTag>;

// A public key of a note's signer.
struct NoteKey {
  std::string name;  // is_note_key_name()
  NoteKeyType type = NoteKeyType::ed25519;
  PublicKey key;
  bool operator==(const NoteKey&) const = default;
};
NoteKeyId note_key_id(const NoteKey& key);

// 1 to note_key_name_bytes_max bytes of UTF-8 with no control character, no Unicode space and no '+'.
bool is_note_key_name(std::string_view text);

std::string to_vkey(const NoteKey& key);
// The error says what is wrong, for a person. A key of another type is an error that names the type.
std::expected<NoteKey, std::string> read_vkey(std::string_view text);

struct NoteSignature {
  std::string name;
  NoteKeyId key_id;
  std::vector<std::uint8_t> bytes;  // what follows the key id: as its type has it
  bool operator==(const NoteSignature&) const = default;
};
// Made with that key, by its name and id.
bool is_by(const NoteSignature& signature, const NoteKey& key);

struct Note {
  std::string text;  // with its last "\n"
  std::vector<NoteSignature> signatures;
  bool operator==(const Note&) const = default;
};

// The note with the first line of each of these keys, in the keys' order, and with no other: anybody can add lines.
Note with_lines_of(const Note& note, std::span<const NoteKey> keys);

// At most note_bytes_max bytes and note_signatures_max signatures. The errors are texts for a person.
std::expected<Note, std::string> read_note(std::string_view bytes);
// 1 or more signature lines alone, as a witness answers them.
std::expected<std::vector<NoteSignature>, std::string> read_signature_lines(std::string_view bytes);

std::string to_text(const Note& note);
std::string to_signature_line(const NoteSignature& signature);  // with its "\n"

}  // namespace openexec
