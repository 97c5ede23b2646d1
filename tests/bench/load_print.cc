// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load_print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "proto-json/canonical.h"
#include "proto-json/json.h"
#include "tests/bench/statistics.h"

namespace openexec::bench {
namespace {

double for_each(double total, std::uint64_t answered) {
  return total / static_cast<double>(std::max<std::uint64_t>(answered, 1));
}

// More digits would be noise.
double rounded(double value) { return std::round(value * 100) / 100; }

}  // namespace

std::string table_head() {
  return fmt::format("{:>9} {:>11} {:>10} {:>8} {:>8} {:>9} {:>9} {:>11} {:>8} {:>8} {:>14}\n", "in flight",
                     "connections", "a second", "p50 us", "p99 us", "p99.9 us", "max us", "daemon's us", "load's us",
                     "errors", "heap KiB");
}

std::string table_row(const LoadLine& line) {
  const LoadReport& report = line.report;
  std::string out = fmt::format(
      "{:>9} {:>11} {:>10.0f} {:>8.0f} {:>8.0f} {:>9.0f} {:>9.0f} {:>11.1f} {:>8.1f} {:>8} {:>7} {:>+6}\n",
      line.options.in_flight, line.options.connections(), report.per_second(), percentile(report.latencies_us, 0.5),
      percentile(report.latencies_us, 0.99), percentile(report.latencies_us, 0.999), percentile(report.latencies_us, 1),
      for_each(report.daemon_cpu_us, report.answered), for_each(report.generator_cpu_us, report.answered),
      report.errors, report.anonymous_kib_late, report.anonymous_kib_late - report.anonymous_kib_early);
  if (report.dry) {
    out += fmt::format("          all requests that were made were sent after {:.1f} s\n", report.seconds);
  }
  if (line.spawns_per_second) {
    out += fmt::format("          plain posix_spawn: {:.0f} a second, {:.1f} times as many\n", *line.spawns_per_second,
                       *line.spawns_per_second / report.per_second());
  }
  if (line.log_entries_checked) {
    out += fmt::format("          log: {} entries, each as answered\n", *line.log_entries_checked);
  }
  return out;
}

std::string json_line(const LoadLine& line) {
  const LoadOptions& options = line.options;
  const LoadReport& report = line.report;
  const auto latency = [&](double share) { return rounded(percentile(report.latencies_us, share)); };
  const auto count = [](auto value) { return static_cast<std::int64_t>(value); };
  return to_compact(Json::object({
             {"scenario", to_text(options.scenario)},
             {"mode", options.terms.key != nullptr ? "signed" : "demo"},
             {"action", options.terms.action},
             {"in_flight", count(options.in_flight)},
             {"connections", count(options.connections())},
             {"per_second", rounded(report.per_second())},
             {"p50_us", latency(0.5)},
             {"p99_us", latency(0.99)},
             {"p999_us", latency(0.999)},
             {"max_us", latency(1)},
             {"cpu_us_per_request", rounded(for_each(report.daemon_cpu_us, report.answered))},
             {"generator_cpu_us", rounded(for_each(report.generator_cpu_us, report.answered))},
             {"rss_peak_kib", report.peak_kib},
             {"heap_growth_kib", report.anonymous_kib_late - report.anonymous_kib_early},
             {"answered", count(report.answered)},
             {"errors", count(report.errors)},
             {"seconds", rounded(report.seconds)},
             {"dry", report.dry},
             {"log_entries_checked", line.log_entries_checked ? Json(count(*line.log_entries_checked)) : Json(nullptr)},
             {"spawns_per_second", line.spawns_per_second ? Json(rounded(*line.spawns_per_second)) : Json(nullptr)},
         })) +
         "\n";
}

}  // namespace openexec::bench
