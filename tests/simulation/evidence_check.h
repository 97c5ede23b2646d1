// SPDX-License-Identifier: Apache-2.0
// Checks what the log can show: that each checkpoint is signed, is of exactly the entries there are, and continues
// every earlier one; that proofs verify; and that what witnesses said of it is kept.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/store.h"
#include "proto-json/checkpoint.h"
#include "tests/simulation/findings.h"
#include "tests/simulation/model_log.h"
#include "tests/simulation/prng.h"

namespace openexec::simulation {

class EvidenceCheck {
 public:
  EvidenceCheck(NoteKey log, std::vector<NoteKey> witnesses, const ModelLog& model, Findings& findings)
      : log_(std::move(log)), witnesses_(std::move(witnesses)), model_(model), findings_(findings) {}

  // The checkpoints that the store has now. The model has taken in every entry before.
  void observe(const ReadTxn& txn);
  // The proof that is handed out for an entry now, and sometimes one for another.
  void check_proof(const ReadTxn& txn, std::uint64_t index);
  // Every stored node is the model's, and there is no other.
  void check_nodes(const ReadTxn& txn);

  // Every checkpoint that was ever durable: size → signed note.
  [[nodiscard]] const std::map<std::uint64_t, std::string>& checkpoints() const { return notes_; }
  // The largest that is kept with cosignatures.
  [[nodiscard]] std::uint64_t cosigned_size() const { return cosigned_size_; }

 private:
  void checkpoint(const ReadTxn& txn, const std::string& text);
  void consistency(const ReadTxn& txn, std::uint64_t from, std::uint64_t to);
  void inclusion(const ReadTxn& txn, std::uint64_t index, std::uint64_t size);
  void cosigned(const std::string& text);
  std::uint64_t some_earlier_size();
  void violate(std::string text) { findings_.violate(Promise::log_only_grows, std::move(text)); }

  const NoteKey log_;
  const std::vector<NoteKey> witnesses_;
  const ModelLog& model_;
  Findings& findings_;
  Prng prng_{0};  // its own: what is looked at does not change what happens

  std::string latest_;
  std::uint64_t latest_size_ = 0;
  std::map<std::uint64_t, std::string> notes_;
  std::map<std::uint64_t, Hash> roots_;  // as those notes have them
  std::string cosigned_;
  Note cosigned_note_;
  std::uint64_t cosigned_size_ = 0;
};

}  // namespace openexec::simulation
