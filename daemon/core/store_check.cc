// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/store_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/meta_keys.h"
#include "daemon/core/receipt_log.h"
#include "daemon/core/side_by_side.h"
#include "daemon/core/store_tree.h"
#include "daemon/core/table_check.h"
#include "proto-json/encoding.h"
#include "proto-json/log_audit.h"

namespace openexec {
namespace {

class StoreCheck {
 public:
  StoreCheck(const Store& store, ReadTxn txn, const StoreCheckRules& rules, const CheckProgress& progress)
      : store_(store), txn_(std::move(txn)), rules_(rules), progress_(progress) {}

  LogReport run() {
    check_meta();
    check_checkpoint_rows();
    const auto latest = note("latest");
    const auto cosigned = note("cosigned");
    const LogNotes notes(latest, cosigned, report_);
    LogAudit audit(findings(), store_.options().mode);
    read_log(audit, notes);
    check_epoch(audit);
    check_tables(txn_, audit, progress_, report_);
    return std::move(report_);
  }

 private:
  LogFindings& findings() { return report_.findings; }
  template <typename Text>
  void damaged_structure(Text text) {
    findings().add(LogPart::structure, text);
  }

  void check_meta();
  void check_own_key();
  void check_checkpoint_rows();
  std::optional<std::string_view> note(std::string_view name);
  void read_log(LogAudit& audit, const LogNotes& notes);
  void read_entries(LogAudit& audit, StoredTree& tree);
  bool catch_up(std::uint64_t index, LogAudit& audit, StoredTree& tree);
  void check_epoch(const LogAudit& audit);
  std::vector<std::uint64_t> wanted_sizes(const LogNotes& notes) const;

  const Store& store_;
  const ReadTxn txn_;
  const StoreCheckRules& rules_;
  const CheckProgress& progress_;
  LogReport report_;
  std::optional<NoteKey> own_key_;
};

void StoreCheck::check_meta() {
  report_.origin = store_.origin();
  findings().checked(LogPart::structure);
  auto rows = txn_.scan(Table::meta);
  auto row = rows ? rows->next() : std::unexpected(rows.error());
  for (; row && *row; row = rows->next()) {
    const std::string_view key = (*row)->key;
    if (std::ranges::find(meta::keys, key) == meta::keys.end()) {
      damaged_structure([&] { return "table meta has a row that is none: " + to_hex(bytes_of(key)); });
    }
  }
  if (!row) {
    damaged_structure([&] { return row.error().message; });
  }
  for (const std::string_view key : {meta::clock_floor, meta::approvals_floor}) {
    if (const auto time = time_in_meta(txn_, key); !time) {
      damaged_structure([&] { return time.error().message; });
    }
  }
  if (const auto count = txn_.get(Table::meta, meta::recoveries);
      !count || (*count && !from_big_endian<std::uint64_t>(**count))) {
    damaged_structure([] { return std::string("its count of recoveries cannot be read"); });
  }
  check_own_key();
}

void StoreCheck::check_own_key() {
  const auto vkey = log_key(txn_);
  if (!vkey) {
    return damaged_structure([&] { return vkey.error().message; });
  }
  if (!*vkey) {
    return;  // no daemon has started on it yet
  }
  auto key = read_vkey(**vkey);
  if (!key || key->type != NoteKeyType::ed25519 || key->name != store_.origin()) {
    return damaged_structure([&] {
      return key ? fmt::format("its log is {}, and its log key is not of that name", store_.origin())
                 : "its log key cannot be read: " + key.error();
    });
  }
  own_key_ = *std::move(key);
}

void StoreCheck::check_checkpoint_rows() {
  auto rows = txn_.scan(Table::checkpoints);
  auto row = rows ? rows->next() : std::unexpected(rows.error());
  for (; row && *row; row = rows->next()) {
    const std::string_view key = (*row)->key;
    if (key != checkpoint_latest_key && key != checkpoint_cosigned_key) {
      damaged_structure([&] { return "table checkpoints has a row that is none: " + to_hex(bytes_of(key)); });
    }
  }
  if (!row) {
    damaged_structure([&] { return row.error().message; });
  }
}

std::optional<std::string_view> StoreCheck::note(std::string_view name) {
  const auto text = txn_.get(Table::checkpoints, name);
  if (!text) {
    damaged_structure([&] { return text.error().message; });
    return std::nullopt;
  }
  return *text;
}

std::vector<std::uint64_t> StoreCheck::wanted_sizes(const LogNotes& notes) const {
  std::vector<std::uint64_t> sizes = notes.sizes();
  if (rules_.high_water) {
    sizes.push_back(rules_.high_water->size);
  }
  return sizes;
}

void StoreCheck::read_log(LogAudit& audit, const LogNotes& notes) {
  auto nodes = txn_.scan(Table::nodes);
  if (!nodes) {
    return damaged_structure([&] { return nodes.error().message; });
  }
  StoredTree tree(*std::move(nodes), wanted_sizes(notes), findings());
  read_entries(audit, tree);
  const auto& latest = report_.checkpoint;
  while (latest && tree.size() < latest->size && tree.has_next_stored()) {
    catch_up(tree.size() + 1, audit, tree);
  }
  tree.finish(latest && latest->size == tree.size() ? std::optional(latest->root) : std::nullopt);
  audit.finish();
  report_.entries = tree.size();
  report_.nodes = tree.rows();
  report_.denied = audit.denied();
  findings().checked(LogPart::entries);
  findings().checked(LogPart::tree);

  const auto root_of = [&](std::uint64_t size) { return tree.root(size); };
  notes.judge(rules_.trust, own_key_, tree.size(), root_of);
  if (rules_.high_water) {
    judge_high_water(*rules_.high_water, store_.origin(), tree.size(), root_of, report_);
  }
}

void StoreCheck::read_entries(LogAudit& audit, StoredTree& tree) {
  auto rows = txn_.scan(Table::entries);
  auto row = rows ? rows->next() : std::unexpected(rows.error());
  if (!row) {
    return damaged_structure([&] { return row.error().message; });
  }
  ProgressMeter meter(progress_, Table::entries, rows->count());
  audit.expect(rows->count());
  for (; row && *row; row = rows->next()) {
    const auto index = from_big_endian<std::uint64_t>((*row)->key);
    if (!index || *index < tree.size()) {
      damaged_structure([&] { return "a row of table entries is none: " + to_hex(bytes_of((*row)->key)); });
      continue;
    }
    if (!catch_up(*index, audit, tree)) {
      return;
    }
    tree.append(leaf_hash((*row)->value));
    audit.add((*row)->value);
    meter.step();
  }
  if (!row) {
    damaged_structure([&] { return row.error().message; });
  }
}

// Passes over entries that are missing before that one, by the hashes that the tree has for them. False when it has
// none: what comes after cannot be checked.
bool StoreCheck::catch_up(std::uint64_t index, LogAudit& audit, StoredTree& tree) {
  while (tree.size() < index) {
    const std::uint64_t missing = tree.size();
    findings().add(LogPart::entries, [&] { return fmt::format("entry {} is missing", missing); });
    if (!tree.append(std::nullopt)) {
      damaged_structure([&] {
        return fmt::format("nothing tells of entries {} to {}: those from {} on cannot be checked", missing, index - 1,
                           index);
      });
      return false;
    }
    audit.add_missing();
  }
  return true;
}

void StoreCheck::check_epoch(const LogAudit& audit) {
  const auto& adopted = audit.adopted();
  const std::uint64_t epoch = adopted ? adopted->epoch : 1;
  if (epoch != store_.epoch()) {
    damaged_structure([&] { return fmt::format("it is in epoch {}, and its log in {}", store_.epoch(), epoch); });
  } else if (adopted && (adopted->origin != store_.origin() || !own_key_ || adopted->log_key != to_vkey(*own_key_))) {
    damaged_structure([&] {
      return fmt::format("entry {} gives the log another name or key than the store has", audit.adopted_at());
    });
  }
}

}  // namespace

LogReport check_store(const Store& store, const StoreCheckRules& rules, const CheckProgress& progress) {
  auto txn = store.read();
  if (!txn) {
    LogReport report;
    report.findings.add(LogPart::structure, [&] { return txn.error().message; });
    return report;
  }
  return StoreCheck(store, *std::move(txn), rules, progress).run();
}

}  // namespace openexec
