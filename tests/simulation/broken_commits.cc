// SPDX-License-Identifier: Apache-2.0
// What a SimCommitter does wrong when it is told to.
#include "daemon/core/attempt.h"
#include "daemon/core/big_endian.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/check.h"
#include "proto-json/encoding.h"
#include "tests/simulation/sim_committer.h"

namespace openexec::simulation {
namespace {

Hash seed_receipt_of(const Op& op) {
  const auto* claim = std::get_if<Claim>(&op);
  const auto* outcome = std::get_if<Outcome>(&op);
  if (claim != nullptr) {
    return seed_receipt(to_uuid_text(claim->attempt->id), claim->finished->result);
  }
  return outcome != nullptr ? seed_receipt(to_uuid_text(outcome->attempt->id), outcome->run->result) : Hash{};
}

}  // namespace

// What a lying disk would say.
StoreResult<Committed> SimCommitter::invent(std::size_t count) const {
  Committed committed;
  const auto txn = store_->read();
  std::uint64_t next = txn ? log_size(*txn).value_or(0) : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Op& op = queue_[i].op;
    if (const auto* claim = std::get_if<Claim>(&op); claim != nullptr && !claim->finished) {
      committed.results.emplace_back(Claimed{next++});
    } else if (const auto* denial = std::get_if<Denial>(&op)) {
      committed.results.emplace_back(Denied{{denial->reason, {}}, next++});
    } else if (std::holds_alternative<Cosigning>(op)) {
      committed.results.emplace_back(Kept{});
    } else {
      committed.results.emplace_back(Recorded{next++, around_.clock.now(), seed_receipt_of(op)});
    }
  }
  return committed;
}

// The checkpoint of a log that had an entry more for each of them. Nothing is written.
Checkpoint SimCommitter::would_be(std::size_t count) {
  auto txn = store_->write();
  auto log = txn ? LogWriter::open(*txn, around_.signer) : std::unexpected(txn.error());
  OPENEXEC_CHECK(log.has_value());
  const Policy& policy = around_.plan.policy;
  for (std::size_t i = 0; i < count; ++i) {
    const DeniedSummary some{around_.clock.now(), around_.clock.now(),         policy.tenant_id,
                             policy.mode,         around_.plan.rules.registry, {{0, std::nullopt, 1 + i}}};
    OPENEXEC_CHECK(log->append(some).has_value());
  }
  auto checkpoint = log->seal();
  OPENEXEC_CHECK(checkpoint.has_value());
  return *std::move(checkpoint);
}

void SimCommitter::break_before(std::size_t count, CommitFate fate) {
  if (broken_ == Broken::the_mark_is_ahead) {
    around_.mark.write(would_be(count));
  }
  if (broken_ != Broken::checkpoints_are_early || fate != CommitFate::failed_absent) {
    return;
  }
  const std::string note = sign_checkpoint(around_.signer, would_be(count));
  auto txn = store_->write();
  OPENEXEC_CHECK(txn && txn->put(Table::checkpoints, "latest", note) && txn->commit());
}

void SimCommitter::break_after() {
  if (broken_ != Broken::a_node_is_wrong) {
    return;
  }
  auto txn = store_->write();
  const auto count = txn ? txn->count(Table::nodes) : std::unexpected(txn.error());
  OPENEXEC_CHECK(count.has_value());
  if (*count < 2) {
    return;
  }
  const std::string key = to_big_endian(*count / 2);
  const auto node = txn->get(Table::nodes, key);
  OPENEXEC_CHECK(node && *node);
  std::string wrong(**node);
  wrong.front() = static_cast<char>(wrong.front() ^ 1);
  OPENEXEC_CHECK(txn->put(Table::nodes, key, wrong) && txn->commit());
}

}  // namespace openexec::simulation
