// SPDX-License-Identifier: Apache-2.0
#include "proto-json/tlog_proof.h"

#include <fmt/format.h>

#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/text_lines.h"

namespace openexec {
namespace {

constexpr std::string_view first_line = "c2sp.org/tlog-proof@v1";
constexpr std::string_view extra_prefix = "extra ";
constexpr std::string_view index_prefix = "index ";

std::unexpected<std::string> wrong(std::string_view what) { return std::unexpected(std::string(what)); }

}  // namespace

std::string to_text(const TlogProof& proof) {
  std::string out = fmt::format("{}\n", first_line);
  if (proof.extra) {
    out += fmt::format("{}{}\n", extra_prefix, to_base64(bytes_of(*proof.extra)));
  }
  out += fmt::format("{}{}\n", index_prefix, proof.index);
  for (const Hash& hash : proof.hashes) {
    out += to_base64_line(hash);
  }
  return out + "\n" + proof.checkpoint;
}

std::expected<TlogProof, std::string> read_tlog_proof(std::string_view bytes) {
  if (bytes.size() > limits::proof_bytes_max) {
    return wrong("it is too long for a proof");
  }
  if (take_line(bytes) != first_line) {
    return wrong(fmt::format("it is no proof: one begins with {}", first_line));
  }
  TlogProof proof;
  auto line = take_line(bytes);
  if (line && line->starts_with(extra_prefix)) {
    const auto extra = from_base64(line->substr(extra_prefix.size()));
    if (!extra) {
      return wrong("the proof's extra line is no base64");
    }
    proof.extra = std::string(text_of(*extra));
    line = take_line(bytes);
  }
  const auto index =
      line && line->starts_with(index_prefix) ? read_decimal(line->substr(index_prefix.size())) : std::nullopt;
  if (!index) {
    return wrong("the proof's index line is missing or ill-formed");
  }
  proof.index = *index;
  auto hashes = take_hash_lines(bytes, limits::proof_hashes_max);
  if (!hashes) {
    return wrong("the proof's hashes are ill-formed");
  }
  proof.hashes = *std::move(hashes);
  proof.checkpoint = std::string(bytes);
  return proof;
}

std::string to_extra(std::string_view leaf, const std::optional<Json>& approval) {
  std::string out = "{";
  if (approval) {
    out += R"("approval":)";
    append_compact(out, *approval);
    out += ',';
  }
  out += R"("receipt":)";
  out += leaf;
  out += '}';
  return out;
}

std::expected<ProofExtra, std::string> read_extra(std::string_view bytes) {
  const auto json = parse_json(bytes);
  if (!json) {
    return wrong("what comes with the proof is no JSON: " + json.error().message);
  }
  const Json* receipt = json->find("receipt");
  if (receipt == nullptr || receipt->if_object() == nullptr) {
    return wrong("what comes with the proof holds no receipt");
  }
  const Json* approval = json->find("approval");
  if (approval != nullptr && approval->if_object() == nullptr) {
    return wrong("what comes with the proof holds an approval that is no object");
  }
  if (json->if_object()->size() != (approval == nullptr ? 1U : 2U)) {
    return wrong("what comes with the proof holds more than a receipt and an approval");
  }
  ProofExtra extra{to_jcs(*receipt), approval == nullptr ? std::nullopt : std::optional(*approval)};
  if (to_extra(extra.leaf, extra.approval) != bytes) {
    return wrong("what comes with the proof is not in its canonical form");
  }
  return extra;
}

}  // namespace openexec
