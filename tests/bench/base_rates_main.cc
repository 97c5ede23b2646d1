// SPDX-License-Identifier: Apache-2.0
// openexec-base-rates: what libsodium, LMDB and a Unix socket do by themselves on this machine: the measure for what a
// daemon made of them does.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/json.h"
#include "tests/bench/base_rates.h"
#include "tests/bench/raw_lmdb.h"

namespace openexec::bench {
namespace {

constexpr std::size_t keys_of_commits[] = {1, 16, 64, 256};

struct Arguments {
  std::string dir;
  double seconds = 2;
  bool json = false;
};

Json rounded(double value) { return std::round(value * 100) / 100; }

// The members in the order they are given; a JSON object sorts them.
void print_rate(const Arguments& arguments, const std::vector<Member>& members) {
  if (arguments.json) {
    fmt::print("{}\n", to_compact(Json::object(members)));
  } else {
    std::string row;
    for (const Member& member : members) {
      const std::string* text = member.value.if_string();
      row += member.key == "name" ? fmt::format("{:<12}", text != nullptr ? *text : "")
                                  : fmt::format("  {} {}", member.key, to_compact(member.value));
    }
    fmt::print("{}\n", row);
  }
  std::fflush(stdout);
}

void print_crypto(const Arguments& arguments) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const double of_one = verifications_per_second(1, arguments.seconds);
  print_rate(arguments,
             {{"name", "verify"}, {"threads", 1}, {"per_second", rounded(of_one)}, {"us", rounded(1e6 / of_one)}});
  print_rate(arguments, {{"name", "verify"},
                         {"threads", static_cast<std::int64_t>(cores)},
                         {"per_second", rounded(verifications_per_second(cores, arguments.seconds))}});
  print_rate(arguments, {{"name", "sign"}, {"us", rounded(signature_us(arguments.seconds))}});
}

std::expected<void, std::string> print_all(const Arguments& arguments) {
  print_crypto(arguments);
  for (const std::size_t keys : keys_of_commits) {
    const auto rate = raw_commit_rate(arguments.dir, keys, arguments.seconds);
    if (!rate) {
      return std::unexpected(rate.error());
    }
    print_rate(arguments, {{"name", "lmdb_commit"},
                           {"keys", static_cast<std::int64_t>(keys)},
                           {"per_second", rounded(rate->keys_per_second)},
                           {"commit_us", rounded(rate->median_us)},
                           {"p99_us", rounded(rate->p99_us)}});
  }
  const auto round_trip = round_trip_us(arguments.seconds);
  if (!round_trip) {
    return std::unexpected(round_trip.error());
  }
  print_rate(arguments, {{"name", "round_trip"}, {"us", rounded(*round_trip)}});
  return {};
}

}  // namespace
}  // namespace openexec::bench

int main(int argc, char** argv) {
  openexec::init_crypto();
  openexec::bench::Arguments arguments;
  CLI::App app("What the parts alone can do on this machine");
  app.add_option("--dir", arguments.dir, "A folder on the disk that is measured")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--seconds", arguments.seconds, "How long each figure is measured")->check(CLI::PositiveNumber);
  app.add_flag("--json", arguments.json, "A JSON object for each figure");
  CLI11_PARSE(app, argc, argv);
  if (const auto done = openexec::bench::print_all(arguments); !done) {
    fmt::print(stderr, "openexec-base-rates: {}\n", done.error());
    return 1;
  }
  return 0;
}
