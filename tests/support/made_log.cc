// SPDX-License-Identifier: Apache-2.0
#include "tests/support/made_log.h"

#include <stdexcept>
#include <utility>

#include "proto-json/crypto.h"
#include "proto-json/witness.h"

namespace openexec::test {

NoteSigner made_signer(std::string name, NoteKeyType type, std::uint8_t seed) {
  init_crypto();
  const std::array<std::uint8_t, SecretKey::seed_bytes> bytes{seed, 42};
  return {std::move(name), type, SecretKey::from_seed(bytes)};
}

MadeLog::MadeLog(const std::string& origin, std::uint8_t seed)
    : signer_(made_signer(origin, NoteKeyType::ed25519, seed)) {}

void MadeLog::append(std::string leaf) {
  edge_.append(leaf_hash(leaf), [this](const Hash& hash) { nodes_.push_back(hash); });
  leaves_.push_back(std::move(leaf));
}

void MadeLog::append_many(std::uint64_t count, std::string_view tag) {
  for (std::uint64_t i = 0; i < count; ++i) {
    append(std::string(tag) + " " + std::to_string(size()));
  }
}

Hash MadeLog::subtree(TreeNode node) const { return nodes_.at(node_position(node)); }

std::vector<Hash> MadeLog::hashes_of(const std::vector<NodeRun>& runs) const {
  std::vector<Hash> out;
  for (const NodeRun& run : runs) {
    std::vector<Hash> hashes;
    for (const TreeNode node : run) {
      hashes.push_back(subtree(node));
    }
    out.push_back(fold(hashes));
  }
  return out;
}

Hash MadeLog::root(std::uint64_t size) const {
  return size == 0 ? empty_root() : hashes_of({root_nodes(size)}).front();
}

std::string MadeLog::checkpoint(std::optional<std::uint64_t> size) const {
  const std::uint64_t of = size.value_or(leaves_.size());
  return sign_checkpoint(signer_, {key().name, of, root(of)});
}

std::vector<Hash> MadeLog::inclusion(std::uint64_t index, std::uint64_t size) const {
  return hashes_of(inclusion_nodes(index, size));
}

std::vector<Hash> MadeLog::consistency(std::uint64_t from, std::uint64_t to) const {
  return hashes_of(consistency_nodes(from, to));
}

TlogProof MadeLog::proof(std::uint64_t index, const std::optional<Json>& approval,
                         std::string_view cosignatures) const {
  return {to_extra(leaves_.at(index), approval), index, inclusion(index, size()),
          checkpoint() + std::string(cosignatures)};
}

std::string MadeLog::submission(std::uint64_t from, std::uint64_t to) const {
  return to_text(Submission{from, consistency(from, to), checkpoint(to)});
}

MadeLog made_log(std::uint64_t size, std::string_view tag) {
  MadeLog log;
  log.append_many(size, tag);
  return log;
}

std::string cosignature_line(const NoteSigner& witness, const std::string& note, std::uint64_t time_s) {
  const auto read = read_note(note);
  if (!read) {
    throw std::runtime_error("no note: " + read.error());
  }
  return to_signature_line(cosign(witness, read->text, time_s));
}

Receipt made_receipt(ReceiptKind kind, Mode mode) {
  Receipt receipt;
  receipt.kind = kind;
  receipt.at = {1'795'270'093'204'000};  // 2026-11-21
  receipt.mode = mode;
  if (mode == Mode::clawshield) {
    receipt.tenant_id = "tenant-001";
  }
  receipt.id.data = {0x8f, 0x1c, 0x0a, 0x52, 0x7d, 0x1e, 0x8b, 0x6a, 0x9c, 0x1f, 0x52, 0xf0, 0xc1, 0xf0, 0xaa, 0x10};
  receipt.action = "payment.refund";
  receipt.action_hash = sha256("request");
  receipt.nonce = "7c9e66790b1f4e4f8a52c3d0e4b1a96f";
  receipt.registry = sha256("registry");
  receipt.peer = {1001, 1001, 4242};
  receipt.trace_id = "trace \"1\" \u00e9";
  switch (kind) {
    case ReceiptKind::executed:
    case ReceiptKind::failed:
    case ReceiptKind::timed_out:
      receipt.result_hash = sha256("{}");
      receipt.receipt = sha256("id:{}");
      receipt.duration_us = 310'000;
      break;
    case ReceiptKind::denied:
      receipt.reason = Reason::approval_used;
      break;
    case ReceiptKind::started:
    case ReceiptKind::unknown:
      break;
  }
  return receipt;
}

}  // namespace openexec::test
