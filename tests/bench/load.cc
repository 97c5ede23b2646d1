// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tests/bench/load_loop.h"
#include "tests/bench/log_check.h"

namespace openexec::bench {
namespace {

using Done = std::expected<void, std::string>;

constexpr std::size_t lines_bytes_max = std::size_t{1} << 30U;
constexpr std::size_t repeated_lines = 1000;  // that replays and denials go through again and again
constexpr std::size_t latencies_reserved_max = std::size_t{1} << 24U;

// How many fresh requests to make is told by a short run of the same load.
constexpr double warm_up_s = 0.5;
constexpr std::size_t warm_up_lines_max = 40'000;
constexpr std::size_t warm_up_lines_each = 4'000;  // of those in flight
constexpr double lines_factor = 1.5;
constexpr std::size_t lines_margin_each = 2'000;
constexpr std::size_t lines_margin_max = 20'000;

// A key that no daemon knows: the approvals it signs are good but for that.
SecretKey unknown_key() {
  std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
  seed.fill(9);
  return SecretKey::from_seed(seed);
}

Done drive_fresh(const LoadOptions& options, std::size_t count, LoadReport& report) {
  const RequestLines lines(options.terms, count, lines_bytes_max);
  report.receipts.resize(lines.size());
  report.latencies_us.reserve(lines.size());
  return drive(options, {lines}, report);
}

// Answers a second.
std::expected<double, std::string> warm_up(LoadOptions options) {
  options.seconds = std::min(warm_up_s, options.seconds);
  options.terms.run_name += "-warm";
  LoadReport report;
  const std::size_t count = std::min(warm_up_lines_max, warm_up_lines_each * options.in_flight);
  if (auto done = drive_fresh(options, count, report); !done) {
    return std::unexpected(done.error());
  }
  if (report.errors > 0) {
    return std::unexpected("an answer is not as it should be: " + report.first_error);
  }
  return report.per_second();
}

Done run_fresh(const LoadOptions& options, LoadReport& report) {
  if (options.requests) {
    return drive_fresh(options, *options.requests, report);
  }
  const auto rate = warm_up(options);
  const auto size = rate ? log_size(options.socket_path) : std::unexpected(rate.error());
  if (!size) {
    return std::unexpected(size.error());
  }
  report.log_size_before = *size;
  const std::size_t margin = std::min(lines_margin_max, lines_margin_each * options.in_flight);
  return drive_fresh(options, static_cast<std::size_t>(*rate * options.seconds * lines_factor) + margin, report);
}

Done run_again(const LoadOptions& options, const RequestLines& lines, LoadReport& report) {
  report.latencies_us.reserve(latencies_reserved_max);
  return drive(options, {lines, true}, report);
}

Done run_replay(const LoadOptions& options, LoadReport& report) {
  const RequestLines lines(options.terms, repeated_lines, lines_bytes_max);
  LoadOptions once = options;
  once.scenario = Scenario::fresh;
  once.requests = lines.size();
  LoadReport made;
  made.receipts.resize(lines.size());
  if (auto done = drive(once, {lines}, made); !done) {
    return done;
  }
  if (made.errors > 0) {
    return std::unexpected("an answer is not as it should be: " + made.first_error);
  }
  report.receipts = std::move(made.receipts);
  return run_again(options, lines, report);
}

Done run_denied(const LoadOptions& options, LoadReport& report) {
  const SecretKey key = unknown_key();
  RequestTerms terms = options.terms;
  if (terms.key != nullptr) {
    terms.key = &key;
  } else {
    terms.action = "no.such.action";
  }
  return run_again(options, RequestLines(terms, repeated_lines, lines_bytes_max), report);
}

Done run_scenario(const LoadOptions& options, LoadReport& report) {
  switch (options.scenario) {
    case Scenario::fresh:
      return run_fresh(options, report);
    case Scenario::replay:
      return run_replay(options, report);
    case Scenario::denied:
      break;
  }
  return run_denied(options, report);
}

}  // namespace

std::string_view to_text(Scenario scenario) {
  switch (scenario) {
    case Scenario::fresh:
      return "fresh";
    case Scenario::replay:
      return "replay";
    case Scenario::denied:
      break;
  }
  return "denied";
}

std::expected<LoadReport, std::string> run_load(const LoadOptions& options) {
  LoadReport report;
  const auto size = log_size(options.socket_path);
  if (!size) {
    return std::unexpected(size.error());
  }
  report.log_size_before = *size;
  if (auto done = run_scenario(options, report); !done) {
    return std::unexpected(done.error());
  }
  if (report.anonymous_kib_early == 0) {
    report.anonymous_kib_early = report.anonymous_kib_late;  // it was over before
  }
  std::sort(report.latencies_us.begin(), report.latencies_us.end());
  return report;
}

}  // namespace openexec::bench
