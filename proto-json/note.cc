// SPDX-License-Identifier: Apache-2.0
#include "proto-json/note.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/text_lines.h"
#include "proto-json/utf8.h"

namespace openexec {
namespace {

constexpr std::string_view signature_prefix = "\u2014 ";

// White space as Unicode has it (property White_Space); the ASCII ones but the space are control characters.
constexpr bool is_unicode_space(char32_t c) {
  constexpr std::array<char32_t, 9> single = {0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x2000 && c <= 0x200A) || std::ranges::find(single, c) != single.end();
}

// UTF-8 with no control character below U+0020 but "\n".
bool is_note_text(std::string_view text) {
  return is_utf8(text) &&
         std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\n'; });
}

// type ‖ key
std::array<std::uint8_t, 1 + PublicKey::size_bytes> typed_key(const NoteKey& key) {
  std::array<std::uint8_t, 1 + PublicKey::size_bytes> out{};
  out.front() = static_cast<std::uint8_t>(key.type);
  std::ranges::copy(key.key.data, out.begin() + 1);
  return out;
}

std::unexpected<std::string> wrong(std::string_view what) { return std::unexpected(std::string(what)); }

}  // namespace

NoteKeyId note_key_id(const NoteKey& key) {
  const Hash hash = sha256({bytes_of(key.name), bytes_of("\n"), typed_key(key)});
  NoteKeyId id;
  std::copy_n(hash.data.begin(), id.data.size(), id.data.begin());
  return id;
}

bool is_note_key_name(std::string_view text) {
  if (text.empty() || text.size() > limits::note_key_name_bytes_max || !is_utf8(text) ||
      !has_no_control_characters(text)) {
    return false;
  }
  while (!text.empty()) {
    const auto character = first_utf8_character(text);
    if (!character || is_unicode_space(character->code_point) || character->code_point == U'+') {
      return false;
    }
    text.remove_prefix(character->bytes);
  }
  return true;
}

std::string to_vkey(const NoteKey& key) {
  return fmt::format("{}+{}+{}", key.name, to_hex(note_key_id(key).view()), to_base64(typed_key(key)));
}

std::expected<NoteKey, std::string> read_vkey(std::string_view text) {
  // Neither name nor id holds a '+'; the base64 may.
  const std::size_t id_at = text.find('+');
  const std::size_t key_at = id_at == std::string_view::npos ? id_at : text.find('+', id_at + 1);
  if (key_at == std::string_view::npos) {
    return wrong("it is no verifier key: one is NAME+ID+BASE64");
  }
  const std::string_view name = text.substr(0, id_at);
  const auto bytes = from_base64(text.substr(key_at + 1));
  if (!is_note_key_name(name) || !bytes || bytes->empty()) {
    return wrong("it is no verifier key: its name or its base64 is ill-formed");
  }
  NoteKey key{std::string(name), NoteKeyType::ed25519, {}};
  const std::uint8_t type = bytes->front();
  if (type == static_cast<std::uint8_t>(NoteKeyType::cosignature)) {
    key.type = NoteKeyType::cosignature;
  } else if (type != static_cast<std::uint8_t>(NoteKeyType::ed25519)) {
    return std::unexpected(
        fmt::format("it is a verifier key of type {:02x}; this release knows 01 (Ed25519, a log) and 04 (Ed25519 "
                    "cosignature/v1, a witness)",
                    type));
  }
  const auto public_key = PublicKey::from(ByteView(*bytes).subspan(1));
  if (!public_key) {
    return wrong("it is no verifier key: an Ed25519 key has 32 bytes");
  }
  key.key = *public_key;
  if (to_hex(note_key_id(key).view()) != text.substr(id_at + 1, key_at - id_at - 1)) {
    return wrong("it is no verifier key: its id is not that of its name and key, so a character is wrong");
  }
  return key;
}

bool is_by(const NoteSignature& signature, const NoteKey& key) {
  return signature.name == key.name && signature.key_id == note_key_id(key);
}

Note with_lines_of(const Note& note, std::span<const NoteKey> keys) {
  Note out{note.text, {}};
  for (const NoteKey& key : keys) {
    const auto line =
        std::ranges::find_if(note.signatures, [&](const NoteSignature& each) { return is_by(each, key); });
    if (line != note.signatures.end()) {
      out.signatures.push_back(*line);
    }
  }
  return out;
}

std::expected<std::vector<NoteSignature>, std::string> read_signature_lines(std::string_view bytes) {
  if (bytes.size() > limits::note_bytes_max) {
    return wrong("it is too long for a note");
  }
  std::vector<NoteSignature> out;
  while (!bytes.empty()) {
    auto line = take_line(bytes);
    if (!line || !line->starts_with(signature_prefix)) {
      return wrong("a line after the note's text is no signature");
    }
    if (out.size() == limits::note_signatures_max) {
      return wrong("the note has too many signatures");
    }
    line->remove_prefix(signature_prefix.size());
    const std::size_t space = line->find(' ');
    const std::string_view name = line->substr(0, space);
    const auto blob = space == std::string_view::npos ? std::nullopt : from_base64(line->substr(space + 1));
    if (!is_note_key_name(name) || !blob || blob->size() <= NoteKeyId::size_bytes) {
      return wrong("a signature line of the note is ill-formed");
    }
    const ByteView view = *blob;
    out.push_back({std::string(name),
                   *NoteKeyId::from(view.first(NoteKeyId::size_bytes)),
                   {blob->begin() + NoteKeyId::size_bytes, blob->end()}});
  }
  if (out.empty()) {
    return wrong("the note has no signature");
  }
  return out;
}

std::expected<Note, std::string> read_note(std::string_view bytes) {
  if (bytes.size() > limits::note_bytes_max) {
    return wrong("it is too long for a note");
  }
  if (!is_note_text(bytes)) {
    return wrong("a note is UTF-8 with no control characters");
  }
  // The last empty line parts the text from the signatures.
  const std::size_t text_end = bytes.rfind("\n\n");
  if (text_end == std::string_view::npos) {
    return wrong("it is no note: no empty line parts a text from its signatures");
  }
  auto signatures = read_signature_lines(bytes.substr(text_end + 2));
  if (!signatures) {
    return std::unexpected(signatures.error());
  }
  return Note{std::string(bytes.substr(0, text_end + 1)), *std::move(signatures)};
}

std::string to_text(const Note& note) {
  std::string out = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) {
    out += to_signature_line(signature);
  }
  return out;
}

std::string to_signature_line(const NoteSignature& signature) {
  std::vector<std::uint8_t> blob(signature.key_id.data.begin(), signature.key_id.data.end());
  blob.insert(blob.end(), signature.bytes.begin(), signature.bytes.end());
  return fmt::format("{}{} {}\n", signature_prefix, signature.name, to_base64(blob));
}

}  // namespace openexec
