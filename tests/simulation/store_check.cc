// SPDX-License-Identifier: Apache-2.0
// The slow half of LogObserver: the whole log, and the tables beside it.
#include <fmt/format.h>

#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "tests/simulation/log_observer.h"

namespace openexec::simulation {
namespace {

ClaimKey key_of(const Clients& clients, std::size_t spec) {
  const std::string tenant = clients.tenant(spec);
  return claim_key(tenant.empty() ? std::nullopt : std::optional(tenant), clients.nonce_text(spec));
}

}  // namespace

void LogObserver::check_all(const Store& store) {
  const auto txn = store.read();
  if (!txn) {
    return findings_.violate(Promise::log_only_grows, "the log cannot be read: " + txn.error().message);
  }
  for (std::uint64_t index = 0; index < model_.size(); ++index) {
    const auto leaf = leaf_at(*txn, index);
    if (!leaf || !*leaf || ModelLog::hash_of(**leaf) != model_.leaf(index)) {
      return findings_.violate(Promise::log_only_grows, fmt::format("entry {} is not what it was", index));
    }
  }
  evidence_.check_nodes(*txn);
}

void LogObserver::check_open(const ReadTxn& txn) {
  std::size_t running = 0;
  for (const auto& [name, claim] : history_.claims()) {
    if (claim.state != ClaimState::running) {
      continue;
    }
    ++running;
    const auto started = txn.get(Table::open, text_of(key_of(clients_, claim.spec).view()));
    if (!started || !*started || from_big_endian<std::uint64_t>(**started) != claim.started) {
      findings_.violate(Promise::every_attempt_on_record,
                        "a running claim is not in the table of open claims: " + name);
    }
  }
  std::size_t rows = 0;
  std::string after;
  for (auto row = txn.next(Table::open, after); row && *row; row = txn.next(Table::open, after)) {
    after = (*row)->key;
    ++rows;
  }
  if (rows != running) {
    findings_.violate(Promise::every_attempt_on_record, fmt::format("{} open claims, and {} run", rows, running));
  }
}

void LogObserver::check_claim(const ReadTxn& txn, const std::string& name, const SeenClaim& claim) {
  const auto record = find_claim(txn, key_of(clients_, claim.spec));
  if (!record || !*record || (*record)->state != claim.state || (*record)->id != claim.id ||
      (*record)->index != claim.index || (*record)->first_index != claim.started.value_or(claim.index)) {
    return findings_.violate(Promise::at_most_once, "the claim is not what its entries say: " + name);
  }
  const auto by_id = find_claim(txn, claim.id);
  if (!by_id || !*by_id || (*by_id)->index != claim.index) {
    findings_.violate(Promise::every_attempt_on_record, "an execution id leads to another entry: " + name);
  }
  const auto bytes = txn.get(Table::results, to_big_endian(claim.index));
  if (!bytes || bytes->has_value() != (claim.state == ClaimState::finished)) {
    return findings_.violate(Promise::same_request_same_answer,
                             "a result without an outcome, or the other way: " + name);
  }
  const auto stored = *bytes ? decode_result(claim.index, **bytes) : std::unexpected(StoreError{});
  if (*bytes && (!stored || stored->run.result != claim.result || stored->run.status != claim.status)) {
    findings_.violate(Promise::same_request_same_answer, "the stored result is another: " + name);
  }
  const ExecuteRequest request = clients_.request(claim.spec);
  const bool used_approval = plan_.policy.mode == Mode::clawshield;
  const auto presented = presented_at(txn, claim.started.value_or(claim.index));
  if (!presented || presented->has_value() != used_approval ||
      (used_approval && **presented != to_compact(presented_approval(request.approval_artifact.value())))) {
    findings_.violate(Promise::every_attempt_on_record, "the approval is not kept as it was presented: " + name);
  }
}

// As the writer finds claims: what a reader finds, the engine's answers show.
void LogObserver::check_tables(Store& store) {
  const auto txn = store.write();
  if (!txn) {
    return findings_.violate(Promise::log_only_grows, "the store cannot be read: " + txn.error().message);
  }
  check_open(*txn);
  const auto first_entry = [this](const std::string& claim) {
    const SeenClaim& seen = history_.claims().at(claim);
    return seen.started.value_or(seen.index);
  };
  for (const auto& [name, claim] : history_.claims()) {
    check_claim(*txn, name, claim);
  }
  for (const Approval& approval : clients_.approvals()) {
    if (approval.flaw) {
      continue;  // its id may be none
    }
    const ApprovalKey key = approval_key(approval.tenant, *approval.artifact.find_string("approval_id"));
    const auto used = find_claim(*txn, key);
    const auto known = history_.approvals_used().find(Clients::approval_name(approval));
    const bool is_known = known != history_.approvals_used().end();
    if (!used || used->has_value() != is_known || (is_known && (*used)->first_index != first_entry(known->second))) {
      findings_.violate(Promise::at_most_once, "the table of used approvals differs from the log");
    }
  }
}

}  // namespace openexec::simulation
