// SPDX-License-Identifier: Apache-2.0
// openexec-simulate [--seed N] [--steps N]: simulated worlds from that seed on, until there are that many steps.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <random>
#include <span>
#include <string_view>

#include "tests/simulation/simulator.h"

namespace openexec::simulation {
namespace {

constexpr std::uint64_t default_steps = 1'000'000;

struct Arguments {
  std::optional<std::uint64_t> seed;
  std::uint64_t steps = default_steps;
};

std::optional<Arguments> read_arguments(std::span<char*> given) {
  Arguments arguments;
  for (std::size_t i = 1; i < given.size(); i += 2) {
    const std::string_view name = given[i];
    std::uint64_t value = 0;
    if (i + 1 == given.size()) {
      return std::nullopt;
    }
    const std::string_view text = given[i + 1];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      return std::nullopt;
    }
    if (name == "--seed") {
      arguments.seed = value;
    } else if (name == "--steps") {
      arguments.steps = value;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

// Any seed will do, as long as it is printed.
std::uint64_t some_seed() { return std::random_device()() % 1'000'000'000; }

bool run_world(std::uint64_t seed, std::size_t steps, std::map<std::string, std::uint64_t, std::less<>>& counts) {
  const Findings findings = simulate(seed, steps);
  for (const auto& [what, count] : findings.counts()) {
    counts[what] += count;
  }
  const auto& violation = findings.violation();
  if (!violation) {
    return true;
  }
  for (const std::string& line : findings.last_events()) {
    fmt::print("{}\n", line);
  }
  fmt::print(
      "\nBROKEN     {}\n           {}\nseed       {} ({}), step {}\nagain      ./dev simulate --seed {} --steps {}\n",
      to_text(violation->promise), violation->text, seed, to_text(plan_of(seed).emphasis), violation->step, seed,
      steps);
  return false;
}

int run(const Arguments& arguments) {
  const std::uint64_t first = arguments.seed ? *arguments.seed : some_seed();
  fmt::print("seed       {}\n", first);
  std::fflush(stdout);
  std::map<std::string, std::uint64_t, std::less<>> counts;
  std::uint64_t done = 0;
  for (std::uint64_t seed = first; done < arguments.steps; ++seed) {
    const auto steps = static_cast<std::size_t>(std::min<std::uint64_t>(world_steps, arguments.steps - done));
    if (!run_world(seed, steps, counts)) {
      return 1;
    }
    done += steps;
  }
  for (const auto& [what, count] : counts) {
    fmt::print("{:>10} {}\n", count, what);
  }
  fmt::print("{:>10} steps, no promise broken\n", done);
  return 0;
}

}  // namespace
}  // namespace openexec::simulation

int main(int argc, char** argv) {
  const auto arguments = openexec::simulation::read_arguments({argv, static_cast<std::size_t>(argc)});
  if (!arguments) {
    fmt::print(stderr, "usage: openexec-simulate [--seed N] [--steps N]\n");
    return 2;
  }
  return openexec::simulation::run(*arguments);
}
