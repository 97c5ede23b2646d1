// SPDX-License-Identifier: Apache-2.0
// A receipt's proof in one document (c2sp.org/tlog-proof): anybody with the log's public key can check it offline.
//
//   "c2sp.org/tlog-proof@v1\n" ["extra " base64 "\n"] "index " decimal "\n" *(base64(hash) "\n") "\n" signed note
//
// Our `extra` is a JSON object of just {"receipt": the receipt, "approval": the approval as presented, if there is
// one}, in the one form that to_extra() makes. Nothing signs it: the receipt is checked as the tree's leaf, the
// approval by the receipt's hash of it.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/json.h"

namespace openexec {

struct TlogProof {
  std::optional<std::string> extra;  // any bytes
  std::uint64_t index = 0;
  std::vector<Hash> hashes;  // leaf's sibling first
  std::string checkpoint;    // the signed note, byte for byte
  bool operator==(const TlogProof&) const = default;
};

std::string to_text(const TlogProof& proof);
// At most proof_bytes_max. Does not look into the checkpoint. The error says what is wrong, for a person.
std::expected<TlogProof, std::string> read_tlog_proof(std::string_view bytes);

struct ProofExtra {
  std::string leaf;              // the receipt in JCS form
  std::optional<Json> approval;  // as presented
};
// `leaf` is a receipt in JCS form.
std::string to_extra(std::string_view leaf, const std::optional<Json>& approval);
std::expected<ProofExtra, std::string> read_extra(std::string_view bytes);

}  // namespace openexec
