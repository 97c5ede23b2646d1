// SPDX-License-Identifier: Apache-2.0
// openexec-load: drives a running daemon and prints a line for each number of connections. Exits 1 when an answer was
// an error, the log disagrees with the answers, or the daemon's own memory grew. Speed never fails it.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "proto-json/check.h"
#include "proto-json/crypto.h"
#include "proto-json/pem.h"
#include "tests/bench/load.h"
#include "tests/bench/log_check.h"
#include "tests/bench/spawn_rate.h"

namespace {

using openexec::SecretKey;

// How far the daemon's heap may grow from a quarter of the run to its end.
constexpr std::int64_t growth_kib_max = 4096;

// Ed25519 verifications a second on one core: what everything signed is measured against.
double verifications_per_second(const SecretKey& key) {
  const std::string message(200, 'm');
  const auto signature = key.sign(openexec::bytes_of(message));
  const auto begin = std::chrono::steady_clock::now();
  constexpr int rounds = 5000;
  for (int i = 0; i < rounds; ++i) {
    OPENEXEC_CHECK(openexec::verify_signature(key.public_key(), openexec::bytes_of(message), signature));
  }
  return rounds / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::optional<SecretKey> read_key(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string pem{std::istreambuf_iterator<char>(file), {}};
  auto key = openexec::read_secret_key_pem(pem);
  openexec::wipe(pem);
  return key ? std::optional(std::move(*key)) : std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  openexec::init_crypto();
  openexec::bench::LoadOptions options;
  std::vector<std::size_t> connection_counts = {1, 16, 64, 256};
  std::string key_path;
  std::string spawned;
  bool check = false;
  CLI::App app("Load for a running openexecd");
  app.add_option("--socket", options.socket_path, "The daemon's socket")->required();
  app.add_option("--connections", connection_counts, "How many connections, one run for each")->delimiter(',');
  app.add_option("--seconds", options.seconds, "How long each run is");
  app.add_option("--key", key_path, "The approver's private key: requests are signed with it");
  app.add_option("--tenant", options.tenant_id, "The tenant that approvals name");
  app.add_option("--action", options.action, "What is asked for; it takes any payload");
  app.add_option("--spawn", spawned, "A program to compare with: plain posix_spawn, as many at one time");
  app.add_flag("--check-log", check, "Compare every entry of the log with the answers");
  CLI11_PARSE(app, argc, argv);

  std::optional<SecretKey> key;
  double verify_rate = 0;
  if (!key_path.empty()) {
    key = read_key(key_path);
    if (!key) {
      fmt::print(stderr, "openexec-load: {} holds no Ed25519 private key\n", key_path);
      return 2;
    }
    options.key = &*key;
    verify_rate = verifications_per_second(*key);
    fmt::print("libsodium alone verifies {:.0f} a second on one core\n", verify_rate);
  }

  bool failed = false;
  fmt::print("{:>11} {:>10} {:>9} {:>9} {:>9} {:>9} {:>8} {:>12}\n", "connections", "a second", "/ verify", "p50 us",
             "p99 us", "p99.9 us", "errors", "heap KiB");
  for (const std::size_t connections : connection_counts) {
    options.connections = connections;
    options.run_name = fmt::format("load-{}-{}-{}", getpid(), connections,
                                   std::chrono::steady_clock::now().time_since_epoch().count());
    const auto first = openexec::bench::log_size(options.socket_path);
    const auto report = first ? openexec::bench::run_load(options) : std::unexpected(first.error());
    if (!report) {
      fmt::print(stderr, "openexec-load: {}\n", report.error());
      return 1;
    }
    fmt::print("{:>11} {:>10.0f} {:>9} {:>9.0f} {:>9.0f} {:>9.0f} {:>8} {:>5} {:>+6}\n", connections,
               report->per_second(), verify_rate > 0 ? fmt::format("{:.2f}", report->per_second() / verify_rate) : "-",
               report->percentile_us(0.5), report->percentile_us(0.99), report->percentile_us(0.999), report->errors,
               report->anonymous_kib_late, report->anonymous_kib_late - report->anonymous_kib_early);
    if (report->errors > 0) {
      fmt::print("            first error: {}\n", report->first_error);
      failed = true;
    }
    if (report->anonymous_kib_late - report->anonymous_kib_early > growth_kib_max) {
      fmt::print("            the daemon's memory grew by more than {} KiB\n", growth_kib_max);
      failed = true;
    }
    if (!spawned.empty()) {
      const auto rate = openexec::bench::spawns_per_second(spawned, connections, options.seconds);
      fmt::print("            {}\n", rate
                                         ? fmt::format("plain posix_spawn of {}: {:.0f} a second, {:.1f} times as many",
                                                       spawned, *rate, *rate / report->per_second())
                                         : fmt::format("cannot run {}", spawned));
      failed = failed || !rate;
    }
    if (check) {
      const auto checked = openexec::bench::check_log(options, *report, *first);
      fmt::print("            log: {}\n",
                 checked ? fmt::format("{} entries, each as answered", *checked) : checked.error());
      failed = failed || !checked;
    }
  }
  return failed ? 1 : 0;
}
