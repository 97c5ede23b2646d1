// SPDX-License-Identifier: Apache-2.0
// Reads the durable log as it grows, and checks that each new entry has its cause and that no old one changes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/core/store.h"
#include "tests/simulation/counts.h"
#include "tests/simulation/evidence_check.h"
#include "tests/simulation/history.h"

namespace openexec::simulation {

class LogObserver {
 public:
  LogObserver(const Plan& plan, const Clients& clients, const SimClock& clock, const Hash& registry, History& history,
              Counts& counts, NoteKey log, std::vector<NoteKey> witnesses, Findings& findings)
      : plan_(plan),
        clients_(clients),
        clock_(clock),
        registry_(registry),
        history_(history),
        counts_(counts),
        findings_(findings),
        evidence_(std::move(log), std::move(witnesses), model_, findings) {}

  // Takes in what is new. `recovering`: a recovery wrote it.
  void observe(const Store& store, bool recovering);
  // The proof that would be handed out with an answer that names this entry.
  void check_proof(const Store& store, std::uint64_t index);
  // Every entry ever seen is there, unchanged, and so is their tree.
  void check_all(const Store& store);
  // Claims, open claims, approvals and results are what the entries say.
  void check_tables(Store& store);

  [[nodiscard]] std::uint64_t size() const { return model_.size(); }
  [[nodiscard]] const EvidenceCheck& evidence() const { return evidence_; }

 private:
  void entry(std::uint64_t index, const LeafContent& content, bool recovering);
  void summary(std::uint64_t index, const DeniedSummary& summary);
  void attempt(std::uint64_t index, const Receipt& receipt, bool recovering);
  void check_members(std::uint64_t index, const Receipt& receipt, const Submission& submission);
  void check_claimable(const std::string& what, const Receipt& receipt, const Submission& submission);
  void started(std::uint64_t index, const Receipt& receipt, std::size_t owner);
  void finished(std::uint64_t index, const Receipt& receipt, std::size_t owner);
  void finished_pure(std::uint64_t index, const Receipt& receipt, std::size_t owner);
  void unknown(std::uint64_t index, const Receipt& receipt, std::size_t owner, bool recovering);
  void denied(std::uint64_t index, const Receipt& receipt, std::size_t owner);
  void check_open(const ReadTxn& txn);
  void check_claim(const ReadTxn& txn, const std::string& name, const SeenClaim& claim);

  const Plan& plan_;
  const Clients& clients_;
  const SimClock& clock_;
  const Hash registry_;
  History& history_;
  Counts& counts_;
  Findings& findings_;
  ModelLog model_;
  EvidenceCheck evidence_;
};

}  // namespace openexec::simulation
