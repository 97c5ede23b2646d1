// SPDX-License-Identifier: Apache-2.0
#include "proto-json/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto-json/check.h"
#include "proto-json/encoding.h"
#include "proto-json/text_lines.h"

namespace openexec {
namespace {

constexpr std::size_t time_bytes = 8;
constexpr std::uint64_t time_s_max = (std::uint64_t{1} << 63U) - 1;  // the specification's

std::string cosigned_message(std::string_view text, std::uint64_t time_s) {
  return fmt::format("cosignature/v1\ntime {}\n{}", time_s, text);
}

}  // namespace

std::string epoch_name(std::string_view origin, std::uint64_t epoch, const PublicKey& key) {
  constexpr std::size_t digits = 8;
  return fmt::format("{}/epoch-{}-{}", origin, epoch, to_hex(sha256(key.view()).view()).substr(0, digits));
}

std::string to_text(const Checkpoint& checkpoint) {
  return fmt::format("{}\n{}\n{}", checkpoint.origin, checkpoint.size, to_base64_line(checkpoint.root));
}

std::expected<Checkpoint, std::string> read_checkpoint_text(std::string_view text) {
  const auto origin = take_line(text);
  const auto size_line = take_line(text);
  const auto root_line = take_line(text);
  const auto size = size_line ? read_decimal(*size_line) : std::nullopt;
  const auto root = root_line ? read_base64_hash(*root_line) : std::nullopt;
  if (!origin || origin->empty() || !size || !root) {
    return std::unexpected(std::string("it is no checkpoint: one begins with origin, size and root"));
  }
  while (!text.empty()) {
    const auto extension = take_line(text);
    if (!extension || extension->empty()) {
      return std::unexpected(std::string("it is no checkpoint: an empty line stands in its text"));
    }
  }
  return Checkpoint{std::string(*origin), *size, *root};
}

NoteSignature sign(const NoteSigner& signer, std::string_view text) {
  OPENEXEC_CHECK(signer.key_.type == NoteKeyType::ed25519);
  const Signature signature = signer.secret_.sign(bytes_of(text));
  return {signer.key_.name, note_key_id(signer.key_), {signature.data.begin(), signature.data.end()}};
}

std::string sign_checkpoint(const NoteSigner& log, const Checkpoint& checkpoint) {
  OPENEXEC_CHECK(checkpoint.origin == log.key().name);
  const std::string text = to_text(checkpoint);
  return text + "\n" + to_signature_line(sign(log, text));
}

NoteSignature cosign(const NoteSigner& signer, std::string_view text, std::uint64_t time_s) {
  OPENEXEC_CHECK(signer.key_.type == NoteKeyType::cosignature && time_s <= time_s_max);
  const Signature signature = signer.secret_.sign(bytes_of(cosigned_message(text, time_s)));
  NoteSignature out{signer.key_.name, note_key_id(signer.key_), {}};
  for (unsigned shift = time_bytes * 8; shift > 0; shift -= 8) {
    out.bytes.push_back(static_cast<std::uint8_t>(time_s >> (shift - 8)));
  }
  out.bytes.insert(out.bytes.end(), signature.data.begin(), signature.data.end());
  return out;
}

std::expected<Checkpoint, std::string> open_checkpoint(const Note& note, const NoteKey& log) {
  if (log.type != NoteKeyType::ed25519) {
    return std::unexpected(fmt::format("the key {} is a witness's, and no log's", log.name));
  }
  bool is_signed = false;
  for (const NoteSignature& each : note.signatures) {
    if (is_by(each, log)) {
      const auto signature = Signature::from(each.bytes);
      if (!signature || !verify_signature(log.key, bytes_of(note.text), *signature)) {
        return std::unexpected(
            fmt::format("the signature of {} does not verify: the checkpoint was changed", log.name));
      }
      is_signed = true;
    }
  }
  if (!is_signed) {
    return std::unexpected(fmt::format("the key of {} did not sign the checkpoint", log.name));
  }
  auto checkpoint = read_checkpoint_text(note.text);
  if (checkpoint && checkpoint->origin != log.name) {
    return std::unexpected(fmt::format("the checkpoint is of another log than {}", log.name));
  }
  return checkpoint;
}

std::expected<std::optional<Cosignature>, std::string> cosignature_by(const Note& note, const NoteKey& witness) {
  if (witness.type != NoteKeyType::cosignature) {
    return std::unexpected(fmt::format("the key {} is a log's, and no witness's", witness.name));
  }
  std::optional<Cosignature> latest;
  for (const NoteSignature& each : note.signatures) {
    if (!is_by(each, witness)) {
      continue;
    }
    const ByteView bytes = each.bytes;
    const auto signature = bytes.size() > time_bytes ? Signature::from(bytes.subspan(time_bytes)) : std::nullopt;
    std::uint64_t time_s = 0;
    for (const std::uint8_t byte : bytes.first(std::min(bytes.size(), time_bytes))) {
      time_s = (time_s << 8U) | byte;
    }
    if (!signature || time_s > time_s_max ||
        !verify_signature(witness.key, bytes_of(cosigned_message(note.text, time_s)), *signature)) {
      return std::unexpected(fmt::format("the cosignature of {} does not verify", witness.name));
    }
    if (!latest || latest->time_s < time_s) {
      latest = Cosignature{witness.name, time_s};
    }
  }
  return latest;
}

}  // namespace openexec
