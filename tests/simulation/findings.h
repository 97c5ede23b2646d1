// SPDX-License-Identifier: Apache-2.0
// What a world reports: the first promise it saw broken, how often each thing happened, and the last events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace openexec::simulation {

// docs/architecture.md, "Promises", and what every service owes.
enum class Promise {
  claim_before_effect,
  at_most_once,
  receipt_before_reply,
  every_attempt_on_record,
  same_request_same_answer,
  fail_closed,
  log_only_grows,
  only_what_was_approved,
  reasons_are_true,
  answers_once,
};
std::string_view to_text(Promise promise);

struct Violation {
  Promise promise;
  std::string text;
  std::size_t step = 0;
};

class Findings {
 public:
  static constexpr std::size_t events_kept = 50;

  void begin_step(std::size_t step) { step_ = step; }
  // Only the first counts: what follows it may be its consequence.
  void violate(Promise promise, std::string text) {
    if (!violation_) {
      violation_ = Violation{promise, std::move(text), step_};
    }
  }
  // An event: counted under `kind`, kept as a line, and part of the fingerprint of the whole run.
  void event(std::string_view kind, std::string_view detail);
  void count(std::string_view what);

  [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }
  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& counts() const { return counts_; }
  [[nodiscard]] const std::deque<std::string>& last_events() const { return last_events_; }
  [[nodiscard]] std::uint64_t fingerprint() const { return fingerprint_; }

 private:
  std::size_t step_ = 0;
  std::optional<Violation> violation_;
  std::map<std::string, std::uint64_t, std::less<>> counts_;
  std::deque<std::string> last_events_;
  std::uint64_t fingerprint_ = 0xcbf29ce484222325ULL;  // FNV-1a
};

}  // namespace openexec::simulation
