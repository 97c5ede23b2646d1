// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/evidence_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/core/big_endian.h"
#include "daemon/core/evidence.h"
#include "daemon/core/log_tree.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/merkle.h"
#include "proto-json/tlog_proof.h"

namespace openexec::simulation {

void EvidenceCheck::observe(const ReadTxn& txn) {
  const auto latest = latest_checkpoint(txn);
  if (!latest) {
    if (model_.size() > 0 || !notes_.empty()) {  // a new store gets its first from its first recovery
      violate("the log has entries and no checkpoint: " + latest.error().message);
    }
    return;
  }
  if (*latest != latest_) {
    checkpoint(txn, *latest);
  }
  if (latest_size_ != model_.size()) {
    violate(fmt::format("the latest checkpoint is of {} entries, and there are {}", latest_size_, model_.size()));
  }
  const auto kept = cosigned_checkpoint(txn);
  if (!kept || (!*kept && !cosigned_.empty())) {
    return violate("the cosigned checkpoint is gone");
  }
  if (*kept && **kept != cosigned_) {
    cosigned(**kept);
  }
}

void EvidenceCheck::checkpoint(const ReadTxn& txn, const std::string& text) {
  const auto note = read_note(text);
  const auto opened = note ? open_checkpoint(*note, log_) : std::unexpected(note.error());
  if (!opened) {
    return violate("the latest checkpoint: " + opened.error());
  }
  if (opened->size != model_.size() || opened->root != model_.root(opened->size)) {
    return violate(fmt::format("the latest checkpoint is of {} entries, and is not the tree of the {} there are",
                               opened->size, model_.size()));
  }
  const auto [known, added] = notes_.try_emplace(opened->size, text);
  if (!added && known->second != text) {
    return violate(fmt::format("two checkpoints of {} entries", opened->size));
  }
  roots_.emplace(opened->size, opened->root);
  consistency(txn, latest_size_, opened->size);
  consistency(txn, some_earlier_size(), opened->size);
  if (opened->size > 0) {
    inclusion(txn, prng_.below(static_cast<std::size_t>(opened->size)), opened->size);
  }
  latest_ = text;
  latest_size_ = opened->size;
  findings_.count("checkpoint");
}

std::uint64_t EvidenceCheck::some_earlier_size() {
  const auto at = roots_.lower_bound(prng_.below(static_cast<std::size_t>(model_.size()) + 1));
  return at == roots_.end() ? latest_size_ : at->first;
}

void EvidenceCheck::consistency(const ReadTxn& txn, std::uint64_t from, std::uint64_t to) {
  const auto from_root = roots_.find(from);
  if (from_root == roots_.end()) {
    return;  // before the first checkpoint
  }
  const auto proof = consistency_proof(txn, from, to);
  if (!proof || !verify_consistency(from, to, from_root->second, roots_.at(to), *proof)) {
    violate(fmt::format("no proof that the checkpoint of {} entries continues that of {}", to, from));
  }
}

void EvidenceCheck::inclusion(const ReadTxn& txn, std::uint64_t index, std::uint64_t size) {
  const auto proof = inclusion_proof(txn, index, size);
  if (!proof || !verify_inclusion(model_.leaf(index), index, size, *proof, roots_.at(size))) {
    violate(fmt::format("no proof of entry {} in the checkpoint of {}", index, size));
  }
}

void EvidenceCheck::check_proof(const ReadTxn& txn, std::uint64_t index) {
  if (!prng_.chance(250)) {
    return;  // each one costs as much as all other checks of an answer
  }
  const auto text = proof_of(txn, index);
  const auto proof = text ? read_tlog_proof(*text) : std::unexpected(text.error().message);
  const auto note = proof ? read_note(proof->checkpoint) : std::unexpected(proof.error());
  const auto opened = note ? read_checkpoint_text(note->text) : std::unexpected(note.error());
  if (!opened) {
    return violate(fmt::format("the proof of entry {}: {}", index, opened.error()));
  }
  const auto durable = notes_.find(opened->size);
  if (durable == notes_.end() || !durable->second.starts_with(note->text + "\n")) {
    return violate(fmt::format("the proof of entry {} has a checkpoint that was never durable", index));
  }
  if (proof->checkpoint != durable->second && proof->checkpoint != cosigned_) {
    return violate(fmt::format("the proof of entry {} has a checkpoint that is not kept", index));
  }
  const auto extra = proof->extra ? read_extra(*proof->extra) : std::unexpected(std::string());
  if (proof->index != index || !extra || ModelLog::hash_of(extra->leaf) != model_.leaf(index) ||
      !verify_inclusion(model_.leaf(index), index, opened->size, proof->hashes, model_.root(opened->size))) {
    return violate(fmt::format("the proof of entry {} does not prove it", index));
  }
  findings_.count(proof->checkpoint == cosigned_ ? "proof: cosigned" : "proof");
}

void EvidenceCheck::check_nodes(const ReadTxn& txn) {
  const auto count = txn.count(Table::nodes);
  if (!count || *count != model_.nodes().size()) {
    return violate("the tree has another number of nodes than complete subtrees");
  }
  for (std::uint64_t position = 0; position < *count; ++position) {
    const auto node = txn.get(Table::nodes, to_big_endian(position));
    if (!node || !*node || **node != text_of(model_.nodes()[position].view())) {
      return violate(fmt::format("the stored node {} is not the tree's", position));
    }
  }
}

void EvidenceCheck::cosigned(const std::string& text) {
  auto note = read_note(text);
  const auto opened = note ? open_checkpoint(*note, log_) : std::unexpected(note.error());
  if (!opened) {
    return violate("the cosigned checkpoint: " + opened.error());
  }
  const auto durable = notes_.find(opened->size);
  if (durable == notes_.end() || !durable->second.starts_with(note->text + "\n")) {
    return violate("the cosigned checkpoint is none that ever was");
  }
  if (opened->size < cosigned_size_) {
    return violate(fmt::format("the cosigned checkpoint went back from {} to {}", cosigned_size_, opened->size));
  }
  std::size_t by_witnesses = 0;
  for (const NoteKey& witness : witnesses_) {
    const auto said = cosignature_by(*note, witness);
    const bool said_before =
        note->text == cosigned_note_.text &&
        std::ranges::any_of(cosigned_note_.signatures, [&](const NoteSignature& each) { return is_by(each, witness); });
    if (!said || (said_before && !*said)) {
      return violate("what a witness said of the cosigned checkpoint is lost");
    }
    by_witnesses += *said ? 1 : 0;
  }
  if (by_witnesses == 0 || by_witnesses + 1 != note->signatures.size()) {
    return violate("the cosigned checkpoint has other signatures than the log's and its witnesses'");
  }
  findings_.count(by_witnesses > 1 ? "kept: by two witnesses" : "kept: by one witness");
  cosigned_ = text;
  cosigned_note_ = std::move(*note);
  cosigned_size_ = opened->size;
}

}  // namespace openexec::simulation
