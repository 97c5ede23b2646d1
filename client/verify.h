// SPDX-License-Identifier: Apache-2.0
// Checks a receipt's proof (proto-json/tlog_proof.h) with nothing but the keys that the caller trusts: no daemon, no
// store, no network, no clock. Keys that stand in the document prove nothing.
//
//   openexec::init_crypto();
//   auto log = openexec::read_vkey("vm1/openexec+…");
//   auto report = openexec::client::verify_proof(text, {.log = *log});
//   if (report.ok()) { … }
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/checkpoint.h"
#include "proto-json/note.h"
#include "proto-json/receipt.h"

namespace openexec::client {

// A key that the verifier trusts for approvals, by the verifier's own name for it.
struct ApproverKey {
  std::string name;
  PublicKey key;
};

// What the verifier trusts.
struct ProofTrust {
  NoteKey log;                           // of type ed25519
  std::vector<NoteKey> witnesses{};      // of type cosignature; a key that stands here twice counts once
  std::optional<std::size_t> quorum{};   // how many of them must have cosigned, 1 or more; all when left out
  std::vector<ApproverKey> approvers{};  // any one of them may have signed the approval
};

enum class Answer : std::uint8_t { yes, no, not_checked };
std::string_view to_text(Answer answer);  // "yes", "no", "not checked"

struct Verdict {
  Answer answer = Answer::not_checked;
  std::string text;  // of what, or why; may quote the document
  bool operator==(const Verdict&) const = default;
};

// What was found, one verdict for each question. Each answers its own question only: a leaf may be included in a tree
// that nobody signed.
struct ProofReport {
  Verdict well_formed;    // the document, its checkpoint and its receipt are what they should be, byte for byte
  Verdict included;       // the receipt is the leaf at that index of the checkpoint's tree
  Verdict log_signature;  // the log's key signed the checkpoint
  Verdict witnesses;      // enough witnesses cosigned it, and no cosignature by one of them is false
  Verdict approval;       // a trusted approver signed this very request, and it is the approval that the receipt names
  Verdict single_use;     // never checked: that an approval was used once only the whole log can show

  // For whoever shows them. Nothing where the document was not read that far.
  std::optional<LeafContent> leaf;
  std::optional<std::string> leaf_text;
  std::optional<std::uint64_t> index;
  std::optional<Checkpoint> checkpoint;
  std::vector<Cosignature> cosignatures;  // that verified, one for each trusted key
  std::size_t witness_keys = 0;           // distinct ones that were trusted
  std::optional<ApproverKey> approver;    // whose signature verified

  // No verdict is `no`. What was not checked is not proven: give the keys for what must be.
  [[nodiscard]] bool ok() const;
};

ProofReport verify_proof(std::string_view proof, const ProofTrust& trust);

}  // namespace openexec::client
