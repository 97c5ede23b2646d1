// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/adopt.h"

#include <algorithm>
#include <utility>

#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/log_tree.h"
#include "daemon/core/meta_keys.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/check.h"
#include "proto-json/limits.h"

namespace openexec {
namespace {

// Later than the issue of every approval that may have been used in what was forgotten: until now, by this clock or by
// the store's, and ahead of it by the largest skew that a daemon can be told to allow.
StoreResult<UtcTime> new_floor(const ReadTxn& txn, UtcTime now) {
  const auto clock_floor = time_in_meta(txn, meta::clock_floor);
  const auto floor = clock_floor ? approvals_floor(txn) : std::unexpected(clock_floor.error());
  if (!floor) {
    return std::unexpected(floor.error());
  }
  const UtcTime seen = std::max(now, clock_floor->value_or(UtcTime{}));
  return std::max(plus_s(seen, limits::clock_skew_s_max), floor->value_or(UtcTime{}));
}

}  // namespace

StoreResult<Adoption> adopt(Store& store, const NoteSigner& signer, UtcTime now) {
  const std::uint64_t epoch = store.epoch() + 1;
  OPENEXEC_CHECK(signer.key().name == epoch_name(store.options().origin, epoch, signer.key().key));
  auto txn = store.write();
  if (!txn) {
    return std::unexpected(txn.error());
  }
  const auto floor = new_floor(*txn, now);
  if (!floor) {
    return std::unexpected(floor.error());
  }
  auto log = LogWriter::open(*txn, signer);
  if (!log) {
    return std::unexpected(log.error());
  }
  const std::string vkey = to_vkey(signer.key());
  const auto index = log->append(AdminChange{.change = AdminChange::Kind::adopt,
                                             .at = now,
                                             .tenant_id = store.options().tenant_id,
                                             .mode = store.options().mode,
                                             .epoch = epoch,
                                             .origin = signer.key().name,
                                             .log_key = vkey});
  auto checkpoint = index ? log->seal() : std::unexpected(index.error());
  if (!checkpoint) {
    return std::unexpected(checkpoint.error());
  }
  auto done = txn->put(Table::meta, meta::epoch, to_big_endian(epoch));
  done = done ? put_log_key(*txn, vkey) : done;
  done = done ? put_approvals_floor(*txn, *floor) : done;
  done = done ? txn->erase(Table::checkpoints, checkpoint_cosigned_key) : done;
  done = done ? txn->commit() : done;
  if (!done) {
    return std::unexpected(done.error());
  }
  return Adoption{epoch, *std::move(checkpoint), *floor};
}

StoreResult<std::optional<Adoption>> latest_adoption(const Store& store) {
  const auto txn = store.read();
  const auto size = txn ? log_size(*txn) : std::unexpected(txn.error());
  if (!size) {
    return std::unexpected(size.error());
  }
  const auto leaf = *size > 0 ? leaf_at(*txn, *size - 1) : StoreResult<std::optional<std::string_view>>();
  const auto floor = leaf ? approvals_floor(*txn) : std::unexpected(leaf.error());
  const auto root = floor ? tree_root(*txn, *size) : std::unexpected(floor.error());
  if (!root) {
    return std::unexpected(root.error());
  }
  const auto content = *leaf ? read_leaf(**leaf) : std::unexpected(std::string());
  const auto* change = content ? std::get_if<AdminChange>(&*content) : nullptr;
  if (change == nullptr || change->epoch != store.epoch() || !*floor) {
    return std::nullopt;
  }
  return Adoption{change->epoch, {store.origin(), *size, *root}, **floor};
}

}  // namespace openexec
