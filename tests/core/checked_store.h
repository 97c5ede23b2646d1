// SPDX-License-Identifier: Apache-2.0
// A small ClawShield store with an entry of every kind, and what its check says.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/commit.h"
#include "daemon/core/store_check.h"
#include "tests/core/world.h"

namespace openexec::test {

class CheckedStore {
 public:
  CheckedStore();

  // A claim with an approval of its own. Without a result it is left running.
  std::shared_ptr<const Attempt> claim(std::string_view nonce, const std::optional<RunResult>& pure = std::nullopt);
  void finish(const std::shared_ptr<const Attempt>& attempt, ReceiptKind kind);
  void deny(std::string_view nonce);
  void summarize();
  // Of all that runs.
  void recover_all();
  // An entry of each kind, and one execution that runs.
  void fill();
  // A witness's cosignature of the log as it is; the witness's key.
  NoteKey cosign();

  [[nodiscard]] LogReport check(const StoreCheckRules& rules = {}) const;
  // The check of a store in which nothing is wrong.
  LogReport check_good(const StoreCheckRules& rules = {}) const;

  void put(Table table, std::string_view key, std::string_view value);
  void erase(Table table, std::string_view key);
  struct Row {
    std::string key;
    std::string value;
  };
  [[nodiscard]] std::vector<Row> rows(Table table) const;

  [[nodiscard]] Store& store() { return *store_; }
  [[nodiscard]] const std::string& dir() const { return store_->options().dir; }
  [[nodiscard]] UtcTime now() const { return now_; }

 private:
  OpResult commit(Op op);

  TempDir dir_;
  std::unique_ptr<Store> store_;
  NoteSigner signer_ = log_signer();
  UtcTime now_ = noon();
  std::uint64_t approvals_ = 0;
};

// Some line of the report has all of these parts.
bool names(const LogReport& report, std::string_view part, std::string_view other = {});
std::string lines_of(const LogReport& report);

}  // namespace openexec::test
