// SPDX-License-Identifier: Apache-2.0
// Any bytes as a signed note, as signature lines, as a verifier key and as a checkpoint. What is read is written as it
// was; nothing opens with a key that did not sign; and whatever text a note has, it can be signed and cosigned.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto-json/check.h"
#include "proto-json/checkpoint.h"
#include "proto-json/crypto.h"
#include "proto-json/limits.h"
#include "proto-json/note.h"

namespace {

using namespace openexec;

// Keys that sign here only: no input carries a signature of their making.
NoteSigner fuzz_signer(const std::string& name, NoteKeyType type) {
  return {name, type, SecretKey::from_seed(sha256("the key of the fuzz target").data)};
}

void check_vkey(std::string_view text) {
  const auto key = read_vkey(text);
  OPENEXEC_CHECK(key ? to_vkey(*key) == text : !key.error().empty());
}

void check_signature_lines(std::string_view bytes) {
  const auto signatures = read_signature_lines(bytes);
  if (!signatures) {
    OPENEXEC_CHECK(!signatures.error().empty());
    return;
  }
  std::string again;
  for (const NoteSignature& each : *signatures) {
    again += to_signature_line(each);
  }
  OPENEXEC_CHECK(again == bytes);
}

// A text that a note may have, signed here.
void check_signing(const std::string& text, const std::string& name) {
  constexpr std::size_t signatures_bytes_max = 1024;
  if (text.size() + signatures_bytes_max > limits::note_bytes_max) {
    return;
  }
  const NoteSigner log = fuzz_signer(name, NoteKeyType::ed25519);
  const NoteSigner witness = fuzz_signer("witness.example", NoteKeyType::cosignature);
  const auto note = read_note(to_text(Note{text, {sign(log, text), cosign(witness, text, text.size())}}));
  OPENEXEC_CHECK(note && note->text == text);
  const auto checkpoint = read_checkpoint_text(text);
  const auto opened = open_checkpoint(*note, log.key());
  OPENEXEC_CHECK(opened.has_value() == (checkpoint && checkpoint->origin == name));
  OPENEXEC_CHECK(!opened || *opened == *checkpoint);
  const auto cosignature = cosignature_by(*note, witness.key());
  OPENEXEC_CHECK(cosignature && *cosignature && (*cosignature)->time_s == text.size());
}

void check_note(std::string_view bytes) {
  const auto note = read_note(bytes);
  if (!note) {
    OPENEXEC_CHECK(!note.error().empty());
    return;
  }
  OPENEXEC_CHECK(to_text(*note) == bytes);
  const std::string origin = note->text.substr(0, note->text.find('\n'));
  const std::string name = is_note_key_name(origin) ? origin : "host.example/openexec";
  OPENEXEC_CHECK(!open_checkpoint(*note, fuzz_signer(name, NoteKeyType::ed25519).key()));
  for (const NoteSignature& each : note->signatures) {
    const auto cosignature = cosignature_by(*note, fuzz_signer(each.name, NoteKeyType::cosignature).key());
    OPENEXEC_CHECK(!cosignature || !*cosignature);
  }
  check_signing(note->text, name);
}

void check_checkpoint(std::string_view text) {
  const auto checkpoint = read_checkpoint_text(text);
  OPENEXEC_CHECK(checkpoint ? text.starts_with(to_text(*checkpoint)) : !checkpoint.error().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  init_crypto();
  const std::string_view text = text_of({data, size});
  check_vkey(text);
  check_signature_lines(text);
  check_note(text);
  check_checkpoint(text);
  return 0;
}
