// SPDX-License-Identifier: Apache-2.0
#include "client/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "proto-json/approval.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/log_notes.h"
#include "proto-json/merkle.h"
#include "proto-json/pem.h"
#include "proto-json/tlog_proof.h"
#include "proto-json/utc_time.h"

namespace openexec::client {
namespace {

Verdict yes(std::string text) { return {Answer::yes, std::move(text)}; }
Verdict no(std::string text) { return {Answer::no, std::move(text)}; }
Verdict not_checked(std::string text) { return {Answer::not_checked, std::move(text)}; }

// The parts of a document that is well formed.
struct Document {
  TlogProof proof;
  ProofExtra extra;
  Note note;
  Checkpoint checkpoint;
  LeafContent leaf;
};

std::expected<Document, std::string> read_document(std::string_view text) {
  auto proof = read_tlog_proof(text);
  if (!proof) {
    return std::unexpected(proof.error());
  }
  if (!proof->extra) {
    return std::unexpected(std::string("the proof comes without its receipt: it has no extra line"));
  }
  auto extra = read_extra(*proof->extra);
  if (!extra) {
    return std::unexpected(extra.error());
  }
  auto leaf = read_leaf(extra->leaf);
  if (!leaf) {
    return std::unexpected(leaf.error());
  }
  auto note = read_note(proof->checkpoint);
  if (!note) {
    return std::unexpected("the checkpoint: " + note.error());
  }
  auto checkpoint = read_checkpoint_text(note->text);
  if (!checkpoint) {
    return std::unexpected("the checkpoint: " + checkpoint.error());
  }
  return Document{*std::move(proof), *std::move(extra), *std::move(note), *std::move(checkpoint), *std::move(leaf)};
}

Verdict inclusion_verdict(const Document& document) {
  const std::uint64_t index = document.proof.index;
  const std::uint64_t size = document.checkpoint.size;
  if (!verify_inclusion(leaf_hash(document.extra.leaf), index, size, document.proof.hashes, document.checkpoint.root)) {
    return no(fmt::format("the receipt is not entry {} of the tree of {} that the checkpoint names", index, size));
  }
  return yes(fmt::format("entry {} of {}", index, size));
}

Verdict log_verdict(const Document& document, const NoteKey& log) {
  const auto opened = open_checkpoint(document.note, log);
  return opened ? yes(log.name) : no(opened.error());
}

std::string time_text(std::uint64_t time_s) {
  const auto time = from_posix_s(time_s);
  return time ? to_text(*time) : fmt::format("{} s after 1970", time_s);
}

Verdict witness_verdict(const Note& note, const ProofTrust& trust, ProofReport& report) {
  const Cosigners cosigners = cosigners_of(note, trust.witnesses, trust.quorum, trust.log.key);
  report.witness_keys = cosigners.keys;
  if (trust.witnesses.empty() && trust.quorum.value_or(0) == 0) {
    return not_checked("no witness's key was given");
  }
  report.cosignatures = cosigners.found;
  if (!cosigners.wrong.empty()) {
    return no(cosigners.wrong.front());
  }
  std::string counted = fmt::format("{} of {}", cosigners.found.size(), cosigners.keys);
  for (const Cosignature& found : cosigners.found) {
    counted +=
        fmt::format("{} {}, {}", &found == cosigners.found.data() ? ":" : ";", found.witness, time_text(found.time_s));
  }
  if (cosigners.found.size() < cosigners.wanted) {
    return no(fmt::format("{}; {} wanted", counted, cosigners.wanted));
  }
  return yes(counted);
}

// What in a signed artifact does not fit the receipt; nothing when all does.
std::optional<std::string> misfit(const ClawshieldApproval& approval, const Receipt& receipt) {
  const ReceiptApproval& named = *receipt.approval;
  if (!named.id || *named.id != approval.approval_id) {
    return "its id is not the receipt's";
  }
  if (approval.action_hash != to_hex(receipt.action_hash.view())) {
    return "it was signed for another request: action or payload differ";
  }
  if (receipt.tenant_id != std::optional(approval.tenant_id)) {
    return "it was signed for another tenant";
  }
  if (approval.issued > plus_s(receipt.at, limits::clock_skew_s_max)) {
    return "it was signed after the receipt was written";
  }
  return std::nullopt;
}

Verdict signed_approval_verdict(const Json& presented, const Receipt& receipt, const ProofTrust& trust,
                                ProofReport& report) {
  const auto approval = read_clawshield_approval(presented, limits::approval_lifetime_s_ceiling);
  if (!approval) {
    return no(approval.error().message);
  }
  if (const auto why = misfit(*approval, receipt)) {
    return no(*why);
  }
  const std::string message = approval->signed_message();
  const auto signer = std::ranges::find_if(trust.approvers, [&](const ApproverKey& approver) {
    return approval->signature && verify_signature(approver.key, bytes_of(message), *approval->signature);
  });
  if (signer == trust.approvers.end()) {
    return no("none of the approver keys that were given signed it");
  }
  const std::vector<std::string>& key_ids = receipt.approval->key_ids;
  if (std::ranges::find(key_ids, key_id(signer->key)) == key_ids.end()) {
    return no("the receipt names another key than the one that signed it");
  }
  report.approver = *signer;
  return yes(fmt::format("{} (key {}), for this very request", signer->name, key_id(signer->key)));
}

Verdict approval_verdict(const LeafContent& leaf, const std::optional<Json>& approval, const ProofTrust& trust,
                         ProofReport& report) {
  const Receipt* receipt = std::get_if<Receipt>(&leaf);
  if (receipt == nullptr) {
    return not_checked("this entry is of no attempt");
  }
  if (approval && (!receipt->approval || presented_approval_hash(*approval) != receipt->approval->hash)) {
    return no("the approval that comes with the receipt is not the one that the receipt names");
  }
  const bool wanted = !trust.approvers.empty() && has_result(receipt->kind);
  if (receipt->mode == Mode::demo) {
    return {wanted ? Answer::no : Answer::not_checked, "demo mode: nothing was approved"};
  }
  if (receipt->kind == ReceiptKind::denied) {
    return not_checked("the attempt was denied: nothing ran");
  }
  if (!approval) {
    return {wanted ? Answer::no : Answer::not_checked, "the proof holds no approval"};
  }
  if (trust.approvers.empty()) {
    return not_checked("no approver's key was given");
  }
  return signed_approval_verdict(*approval, *receipt, trust, report);
}

}  // namespace

std::string_view to_text(Answer answer) {
  switch (answer) {
    case Answer::yes:
      return "yes";
    case Answer::no:
      return "no";
    case Answer::not_checked:
      return "not checked";
  }
  std::unreachable();
}

bool ProofReport::ok() const {
  const std::array<const Verdict*, 6> all = {&well_formed, &included, &log_signature,
                                             &witnesses,   &approval, &single_use};
  return well_formed.answer == Answer::yes &&
         std::ranges::none_of(all, [](const Verdict* verdict) { return verdict->answer == Answer::no; });
}

ProofReport verify_proof(std::string_view proof, const ProofTrust& trust) {
  ProofReport report;
  const auto document = read_document(proof);
  if (!document) {
    const Verdict unread = not_checked("the document is not well formed");
    report.well_formed = no(document.error());
    report.included = report.log_signature = report.witnesses = report.approval = report.single_use = unread;
    return report;
  }
  report.well_formed = yes("");
  report.included = inclusion_verdict(*document);
  report.log_signature = log_verdict(*document, trust.log);
  report.witnesses = witness_verdict(document->note, trust, report);
  report.approval = approval_verdict(document->leaf, document->extra.approval, trust, report);
  report.single_use = not_checked("see `openexec log verify`");
  report.leaf = document->leaf;
  report.leaf_text = document->extra.leaf;
  report.index = document->proof.index;
  report.checkpoint = document->checkpoint;
  return report;
}

}  // namespace openexec::client
