// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/plan.h"

#include <vector>

#include "tests/simulation/actions.h"
#include "tests/simulation/prng.h"

namespace openexec::simulation {
namespace {

void emphasize(Plan& plan) {
  const auto weight = [&](Event event) -> unsigned& { return plan.weights.at(static_cast<std::size_t>(event)); };
  switch (plan.emphasis) {
    case Emphasis::runs:
      plan.effectful = 900;
      weight(Event::finish) = 60;
      return;
    case Emphasis::crashes:
      weight(Event::crash) = 30;
      plan.duplicate = 550;
      return;
    case Emphasis::late_replies:
      weight(Event::deliver) = 120;
      plan.duplicate = 550;
      return;
    case Emphasis::denials:
      plan.flawed = 600;
      return;
    case Emphasis::duplicates:
      plan.duplicate = 750;
      plan.open_max = 60;
      return;
    case Emphasis::failures:
      plan.commit_fails = 120;
      plan.recovery_fails = 500;
      plan.mark_fails = 40;
      return;
    case Emphasis::stops:
      weight(Event::stop) = 25;
      plan.commit_fails = 40;
      return;
    case Emphasis::clocks:
      weight(Event::clock) = 150;
      return;
    case Emphasis::approvals:
      plan.flawed = 500;
      return;
    case Emphasis::full_store:
      plan.map_size_bytes = std::size_t{1} << 20;
      plan.rules.warn_percent = 40;
      plan.rules.full_percent = 55;
      plan.duplicate = 150;
      return;
  }
}

}  // namespace

std::string_view to_text(Emphasis emphasis) {
  switch (emphasis) {
    case Emphasis::runs:
      return "runs";
    case Emphasis::crashes:
      return "crashes";
    case Emphasis::late_replies:
      return "late replies";
    case Emphasis::denials:
      return "denials";
    case Emphasis::duplicates:
      return "duplicates";
    case Emphasis::failures:
      return "failures";
    case Emphasis::stops:
      return "stops";
    case Emphasis::clocks:
      return "clocks";
    case Emphasis::approvals:
      return "approvals";
    case Emphasis::full_store:
      return "a full store";
  }
  return "";
}

// Emphasis, mode and kind of signatures go round with the seed; the rest is drawn.
Plan plan_of(std::uint64_t seed) {
  Prng prng(seed ^ 0x706c616eULL);
  Plan plan;
  plan.emphasis = static_cast<Emphasis>(seed % emphasis_count);
  const std::uint64_t round = seed / emphasis_count;
  const bool signed_mode = round % 2 == 1 || plan.emphasis == Emphasis::approvals;
  plan.policy.mode = signed_mode ? Mode::clawshield : Mode::demo;
  plan.real_signatures = round % 4 == 3;
  if (signed_mode) {
    plan.policy.tenant_id = prng.chance(300) ? "*" : "acme";
  }
  plan.policy.origin = "simulated/openexec";
  plan.policy.own_uid = 990;
  plan.policy.runs_max = static_cast<std::size_t>(prng.between(1, 5));
  static const std::vector<std::size_t> queues = {0, 1, 2, 5, limits::queued_max};
  plan.policy.queued_max = prng.pick(queues);
  plan.policy.queued_per_action_max = prng.chance(500) ? 2 : limits::queued_per_action_max;
  if (prng.chance(250)) {
    plan.policy.requests_per_second = static_cast<std::uint32_t>(prng.between(1, 20));
  }
  plan.policy.in_flight_total_max = prng.chance(250) ? 8 : limits::in_flight_total_max;
  if (prng.chance(400)) {
    plan.policy.allowed_actions = {"echo", "add", "note", "pay", "ship"};
  }
  if (prng.chance(400)) {
    plan.policy.allow_uids = {1000};
    plan.policy.allow_gids = {2000};
  }
  plan.rules.clock_skew_s = plan.policy.clock_skew_s;
  plan.map_size_bytes = std::size_t{64} << 20;
  plan.open_max = prng.chance(500) ? 10 : 30;
  //              submit verify take deliver finish clock recovery retry crash stop tick cosign
  plan.weights = {300, 160, 130, 250, 90, 40, 60, 8, 4, 3, 30, 12};
  plan.commit_fails = 12;
  plan.recovery_fails = 200;
  plan.mark_fails = 4;
  plan.duplicate = 350;
  plan.flawed = 200;
  plan.effectful = 550;
  static const std::vector<std::uint32_t> low_rates = {0, 1, 2, 2, 5};
  if (prng.chance(600)) {
    plan.policy.denied_entries_per_second = prng.pick(low_rates);
  }
  plan.rules.registry = make_registry().digest();
  emphasize(plan);
  return plan;
}

}  // namespace openexec::simulation
