// SPDX-License-Identifier: Apache-2.0
// openexec-load: drives a running daemon and prints a line for each number of requests in flight. Exits 1 when an
// answer was wrong, the log disagrees with the answers, or the daemon's own memory grew. Speed never fails it.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto-json/crypto.h"
#include "proto-json/limits.h"
#include "proto-json/pem.h"
#include "tests/bench/load.h"
#include "tests/bench/load_print.h"
#include "tests/bench/log_check.h"
#include "tests/bench/spawn_rate.h"

namespace openexec::bench {
namespace {

// How far the daemon's heap may grow from a quarter of the run to its end.
constexpr std::int64_t growth_kib_max = 4096;
// And what it holds of keys that are not in their tables yet, of each claim.
constexpr std::int64_t key_bytes_max = 256;

std::int64_t allowed_growth_kib(std::uint64_t claims) {
  const auto in_memory = std::min<std::uint64_t>(claims, 2 * openexec::limits::key_run_max);
  return growth_kib_max + static_cast<std::int64_t>(in_memory) * key_bytes_max / 1024;
}

struct Arguments {
  LoadOptions load;
  std::vector<std::size_t> in_flight = {1, 16, 64, 256};
  std::size_t per_connection = 1;
  std::uint64_t requests = 0;  // 0: as many as the time allows
  std::string key_path;
  std::string spawned;
  bool check_log = false;
  bool json = false;
};

void add_options(CLI::App& app, Arguments& arguments) {
  LoadOptions& load = arguments.load;
  static const std::map<std::string, Scenario> scenarios = {
      {"fresh", Scenario::fresh}, {"replay", Scenario::replay}, {"denied", Scenario::denied}};
  app.add_option("--socket", load.socket_path, "The daemon's socket")->required();
  app.add_option("--scenario", load.scenario, "fresh, replay or denied")->transform(CLI::CheckedTransformer(scenarios));
  app.add_option("--in-flight", arguments.in_flight, "How many requests are under way, one run for each")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  app.add_option("--per-connection", arguments.per_connection, "How many of them on each connection")
      ->check(CLI::PositiveNumber);
  app.add_option("--seconds", load.seconds, "How long each run is")->check(CLI::PositiveNumber);
  app.add_option("--requests", arguments.requests, "Send just so many, however long it takes");
  app.add_option("--key", arguments.key_path, "The approver's private key: requests are signed with it");
  app.add_option("--tenant", load.terms.tenant_id, "The tenant that approvals name");
  app.add_option("--action", load.terms.action, "What is asked for; it takes any payload");
  app.add_option("--payload-bytes", load.terms.payload_bytes, "Of text in each payload")
      ->check(CLI::Range(std::size_t{0}, limits::line_bytes_max));
  app.add_option("--spawn", arguments.spawned, "A program to compare with: plain posix_spawn, as many at one time");
  app.add_flag("--check-log", arguments.check_log, "Compare every entry of the log with the answers (fresh only)");
  app.add_flag("--json", arguments.json, "A JSON object for each run");
}

std::optional<SecretKey> read_key(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string pem{std::istreambuf_iterator<char>(file), {}};
  auto key = read_secret_key_pem(pem);
  wipe(pem);
  return key ? std::optional(std::move(*key)) : std::nullopt;
}

// What is wrong with the arguments together; empty when nothing is.
std::string objection(const Arguments& arguments) {
  if (arguments.check_log && arguments.load.scenario != Scenario::fresh) {
    return "--check-log is for --scenario fresh: other requests have no entries of their own";
  }
  for (const std::size_t in_flight : arguments.in_flight) {
    if (in_flight % std::min(arguments.per_connection, in_flight) != 0) {
      return fmt::format("{} in flight cannot be shared out evenly, {} a connection", in_flight,
                         arguments.per_connection);
    }
  }
  return {};
}

// One run. False when something was wrong, which is told on standard error.
bool run_one(const Arguments& arguments, LoadOptions options) {
  options.terms.run_name = fmt::format("load-{}-{}-{}", getpid(), options.in_flight,
                                       std::chrono::steady_clock::now().time_since_epoch().count());
  const auto report = run_load(options);
  if (!report) {
    fmt::print(stderr, "openexec-load: {}\n", report.error());
    return false;
  }
  LoadLine line{options, *report, std::nullopt, std::nullopt};
  bool good = report->errors == 0;
  if (!good) {
    fmt::print(stderr, "openexec-load: {} wrong answers, the first: {}\n", report->errors, report->first_error);
  }
  const std::int64_t allowed_kib = allowed_growth_kib(report->answered);
  if (report->anonymous_kib_late - report->anonymous_kib_early > allowed_kib) {
    fmt::print(stderr, "openexec-load: the daemon's memory grew by more than {} KiB\n", allowed_kib);
    good = false;
  }
  if (!arguments.spawned.empty()) {
    line.spawns_per_second = spawns_per_second(arguments.spawned, options.in_flight, options.seconds);
    if (!line.spawns_per_second) {
      fmt::print(stderr, "openexec-load: cannot run {}\n", arguments.spawned);
      good = false;
    }
  }
  if (arguments.check_log) {
    if (const auto checked = check_log(options, *report)) {
      line.log_entries_checked = *checked;
    } else {
      fmt::print(stderr, "openexec-load: log: {}\n", checked.error());
      good = false;
    }
  }
  fmt::print("{}", arguments.json ? json_line(line) : table_row(line));
  std::fflush(stdout);
  return good;
}

int run_all(Arguments& arguments) {
  std::optional<SecretKey> key;
  if (!arguments.key_path.empty()) {
    key = read_key(arguments.key_path);
    if (!key) {
      fmt::print(stderr, "openexec-load: {} holds no Ed25519 private key\n", arguments.key_path);
      return 2;
    }
    arguments.load.terms.key = &*key;
  }
  if (arguments.requests > 0) {
    arguments.load.requests = arguments.requests;
  }
  if (!arguments.json) {
    fmt::print("{}", table_head());
  }
  bool good = true;
  for (const std::size_t in_flight : arguments.in_flight) {
    arguments.load.in_flight = in_flight;
    arguments.load.per_connection = std::min(arguments.per_connection, in_flight);
    good = run_one(arguments, arguments.load) && good;
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace openexec::bench

int main(int argc, char** argv) {
  openexec::init_crypto();
  openexec::bench::Arguments arguments;
  CLI::App app("Load for a running openexecd");
  openexec::bench::add_options(app, arguments);
  CLI11_PARSE(app, argc, argv);
  if (const std::string wrong = openexec::bench::objection(arguments); !wrong.empty()) {
    fmt::print(stderr, "openexec-load: {}\n", wrong);
    return 2;
  }
  return openexec::bench::run_all(arguments);
}
