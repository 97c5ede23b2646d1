// SPDX-License-Identifier: Apache-2.0
// The promises of docs/architecture.md, in worlds that each lean on one of them. Every world checks all of them after
// every step. 100,000 steps together; OPENEXEC_SIMULATION_STEPS makes it more.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/simulation/simulator.h"
#include "tests/support/catch.h"

namespace openexec::simulation {
namespace {

constexpr std::uint64_t default_steps = 100'000;

std::uint64_t steps_in_all() {
  const char* set = std::getenv("OPENEXEC_SIMULATION_STEPS");
  if (set == nullptr) {
    return default_steps;
  }
  const std::string_view text = set;
  std::uint64_t steps = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), steps);
  REQUIRE((error == std::errc() && end == text.data() + text.size()));
  return steps;
}

void run_seed(std::uint64_t seed, std::size_t steps) {
  const Findings findings = simulate(seed, steps);
  const auto& violation = findings.violation();
  if (!violation) {
    return;
  }
  std::string report;
  for (const std::string& event : findings.last_events()) {
    report += event + "\n";
  }
  FAIL(report << to_text(violation->promise) << ": " << violation->text << "\nseed " << seed << ", step "
              << violation->step << "\n./dev simulate --seed " << seed << " --steps " << steps);
}

// This emphasis' share of the steps. Demo and ClawShield mode take turns.
void run_worlds(Emphasis emphasis) {
  const std::uint64_t share = std::max<std::uint64_t>(steps_in_all() / emphasis_count, 1);
  std::uint64_t done = 0;
  for (auto seed = static_cast<std::uint64_t>(emphasis); done < share; seed += emphasis_count) {
    REQUIRE(plan_of(seed).emphasis == emphasis);
    const auto steps = static_cast<std::size_t>(std::min<std::uint64_t>(world_steps, share - done));
    run_seed(seed, steps);
    done += steps;
  }
  REQUIRE(done == share);
}

TEST_CASE("claim before effect: nothing runs before its claim is durable") { run_worlds(Emphasis::runs); }

TEST_CASE("at most once: a nonce and an approval run once, also after crashes") { run_worlds(Emphasis::crashes); }

TEST_CASE("receipt before reply: no answer names an entry that is not durable") { run_worlds(Emphasis::late_replies); }

TEST_CASE("every attempt is on record: each denial has its entry, and each entry its request") {
  run_worlds(Emphasis::denials);
}

TEST_CASE("same request, same answer: of many at once one runs and all get its result") {
  run_worlds(Emphasis::duplicates);
}

TEST_CASE("fail closed: after a failed commit nothing is claimed or run until the store has recovered") {
  run_worlds(Emphasis::failures);
}

TEST_CASE("a stop answers everything that is owed, and then is done") { run_worlds(Emphasis::stops); }

TEST_CASE("a clock that jumps lets no approval run outside of its time") { run_worlds(Emphasis::clocks); }

TEST_CASE("only what was approved runs, once for each approval") { run_worlds(Emphasis::approvals); }

TEST_CASE("the log only grows, and a full store claims nothing new and still records outcomes") {
  run_worlds(Emphasis::full_store);
}

TEST_CASE("seeds that once broke a promise keep it") {
  for (const std::uint64_t seed : {0, 1, 8, 11, 30, 51, 68, 70, 108, 777045}) {
    run_seed(seed, world_steps);
  }
}

TEST_CASE("a seed replays event for event") {
  for (const std::uint64_t seed : {5, 15, 31}) {
    const Findings first = simulate(seed, world_steps);
    const Findings second = simulate(seed, world_steps);
    CHECK(first.fingerprint() == second.fingerprint());
    CHECK(first.counts() == second.counts());
    CHECK(first.fingerprint() != simulate(seed + 1000, world_steps).fingerprint());
  }
}

}  // namespace
}  // namespace openexec::simulation
