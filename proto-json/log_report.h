// SPDX-License-Identifier: Apache-2.0
// What a check of a whole log comes to: an answer for each of its parts, what does not fit, and what was found there.
// The same for a store, a copy and an export.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/checkpoint.h"
#include "proto-json/json.h"
#include "proto-json/limits.h"

namespace openexec {

// The questions, in the order in which they are answered.
enum class LogPart : std::uint8_t {
  structure,   // tables or files are all there and in order
  entries,     // every leaf is there and says what a leaf may say
  tree,        // every stored hash is that of the leaves below it
  claims,      // each nonce and each id once; claims and entries agree
  results,     // the stored results are those that the entries name
  approvals,   // each used once, by the execution that its entry names
  checkpoint,  // the log's key signed these very entries
  witnesses,   // enough witnesses cosigned a checkpoint of them
  high_water,  // the log is not behind what was written down outside of it
};
inline constexpr std::array<LogPart, 9> log_parts = {LogPart::structure,  LogPart::entries,   LogPart::tree,
                                                     LogPart::claims,     LogPart::results,   LogPart::approvals,
                                                     LogPart::checkpoint, LogPart::witnesses, LogPart::high_water};
std::string_view to_text(LogPart part);
std::optional<LogPart> log_part_named(std::string_view name);

// One line that names the entry, the node or the claim. May quote the log.
struct LogProblem {
  LogPart part = LogPart::structure;
  std::string text;
};

// Counts what does not fit and keeps the first log_problems_max of it.
class LogFindings {
 public:
  // `text` makes the line; it is not called when there is no room for it.
  template <typename Text>
  void add(LogPart part, Text text) {
    ++counts_.at(static_cast<std::size_t>(part));
    if (++total_ <= limits::log_problems_max) {
      problems_.push_back({part, text()});
    }
  }
  void checked(LogPart part) { checked_.at(static_cast<std::size_t>(part)) = true; }

  [[nodiscard]] std::uint64_t count(LogPart part) const { return counts_.at(static_cast<std::size_t>(part)); }
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] const std::vector<LogProblem>& problems() const { return problems_; }
  // "yes", "no", "not checked": no as soon as something was found, yes when all of it was looked at.
  [[nodiscard]] std::string_view answer(LogPart part) const;

 private:
  std::array<std::uint64_t, log_parts.size()> counts_{};
  std::array<bool, log_parts.size()> checked_{};
  std::uint64_t total_ = 0;
  std::vector<LogProblem> problems_;
};

struct LogReport {
  LogFindings findings;

  std::string origin;  // the log's name
  std::uint64_t entries = 0;
  std::uint64_t nodes = 0;
  std::uint64_t claims = 0;
  std::uint64_t running = 0;  // claims without an outcome yet
  std::uint64_t results = 0;
  std::uint64_t approvals = 0;
  std::uint64_t denied = 0;
  std::optional<Checkpoint> checkpoint;  // the latest
  std::optional<Checkpoint> cosigned;    // the latest that witnesses cosigned
  bool log_key_given = false;            // by the verifier; otherwise it is the store's own
  std::vector<Cosignature> cosignatures;
  std::size_t witness_keys = 0;
  std::optional<std::uint64_t> high_water;  // the size that it holds

  // No answer is `no`. What was not checked is not proven.
  [[nodiscard]] bool ok() const { return findings.total() == 0; }
};
Json to_json(const LogReport& report);

}  // namespace openexec
