// SPDX-License-Identifier: Apache-2.0
// The worlds of the tests really meet what they are for.
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/error.h"
#include "tests/simulation/simulator.h"
#include "tests/support/catch.h"

namespace openexec::simulation {
namespace {

constexpr std::uint64_t worlds = 3 * emphasis_count;

// What may come of an attempt; the other reasons belong to the framing and to other methods.
const std::vector<Reason>& reasons_of_attempts() {
  static const std::vector<Reason> all = {
      Reason::unknown_action,           Reason::payload_invalid,    Reason::action_not_allowed,
      Reason::approval_required,        Reason::approval_mismatch,  Reason::approval_expired,
      Reason::approval_not_yet_valid,   Reason::approval_used,      Reason::approval_signature_invalid,
      Reason::approval_tenant_mismatch, Reason::approval_malformed, Reason::peer_not_allowed,
      Reason::outcome_unknown,          Reason::nonce_reused,       Reason::overloaded,
      Reason::store_unavailable,        Reason::shutting_down,      Reason::rate_limited,
  };
  return all;
}

constexpr std::string_view events[] = {
    "submit",
    "verify",
    "commit",
    "deliver",
    "run",
    "run ends",
    "clock",
    "clock: back",
    "clock: far back",
    "recovery",
    "retry recovery",
    "recovered in place",
    "stop",
    "stopped",
    "restart",
    "start",
    "answer: executed",
    "answer: failed",
    "answer: replayed",
    "answer: would execute",
    "answer: would replay",
    "answer: would wait",
    "answer: would deny",
    "entry: started",
    "entry: executed",
    "entry: failed",
    "entry: unknown",
    "entry: denied",
    "entry: denied_summary",
    "denial only counted",
    "denial with no room",
    "a denial past the rate",
    "a request past the rate",
    "waits for room",
    "summary recorded",
    "summary told again",
    "summary durable and told again",
    "counts lost by a crash",
    "tick",
    "checkpoint",
    "proof",
    "proof: cosigned",
    "cosign",
    "kept",
    "not kept",
    "kept: by one witness",
    "kept: by two witnesses",
    "power failure",
    "fault: the mark cannot be written",
    "fault: commit failed, absent",
    "fault: commit failed, durable",
    "fault: the store does not open",
    "fault: recovery failed, absent",
    "fault: recovery failed, durable",
    "start failed",
    "crash: idle",
    "crash: batch absent",
    "crash: batch durable",
    "crash: while something runs",
    "crash: in a recovery",
    "crash: durable, not answered",
    "ended while the store was failed",
};

using Counts = std::map<std::string, std::uint64_t, std::less<>>;

std::vector<std::string> not_met(const Counts& counts) {
  std::vector<std::string> names(std::begin(events), std::end(events));
  for (const Reason reason : reasons_of_attempts()) {
    names.push_back("answer: " + std::string(info(reason).name));
    if (reason != Reason::rate_limited) {  // which comes before any question
      names.push_back("check: " + std::string(info(reason).name));
    }
  }
  std::erase_if(names, [&](const std::string& name) { return counts.contains(name); });
  return names;
}

TEST_CASE("the worlds meet every event, every reason and every kind of failure") {
  // What a seed leads to differs between compilers, which draw arguments in another order, so what is rare may come
  // late.
  constexpr std::uint64_t worlds_max = 8 * worlds;
  Counts counts;
  for (std::uint64_t seed = 0; seed < worlds || (seed < worlds_max && !not_met(counts).empty()); ++seed) {
    const Findings findings = simulate(seed, world_steps);
    REQUIRE_FALSE(findings.violation().has_value());
    for (const auto& [what, count] : findings.counts()) {
      counts[what] += count;
    }
  }
  CHECK(not_met(counts) == std::vector<std::string>());
}

}  // namespace
}  // namespace openexec::simulation
