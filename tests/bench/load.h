// SPDX-License-Identifier: Apache-2.0
// Closed-loop load: a number of requests always under way, over the real socket of a real daemon.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "proto-json/bytes.h"
#include "tests/bench/request_lines.h"

namespace openexec::bench {

enum class Scenario {
  fresh,   // each request is new, and is executed
  replay,  // requests that were executed are sent again: each is answered with its stored result
  denied,  // each request is refused: its approval is by an unknown key; where none is needed, its action is unknown
};
std::string_view to_text(Scenario scenario);

struct LoadOptions {
  std::string socket_path;
  Scenario scenario = Scenario::fresh;
  std::size_t in_flight = 1;
  std::size_t per_connection = 1;  // of them on each connection; a divisor of in_flight
  double seconds = 10;
  std::optional<std::uint64_t> requests;  // that many in place of the seconds
  RequestTerms terms;

  [[nodiscard]] std::size_t connections() const { return in_flight / per_connection; }
};

struct LoadReport {
  std::uint64_t answered = 0;  // as the scenario wants it
  std::uint64_t errors = 0;
  std::string first_error;  // the reply, for a person
  double seconds = 0;
  bool dry = false;                 // it ended early: all requests that were made were sent
  std::vector<float> latencies_us;  // of every answer, sorted
  std::vector<Hash> receipts;       // by request number: the receipt hash that was answered; zero where there is none
  std::uint64_t log_size_before = 0;
  std::int64_t anonymous_kib_early = 0;  // of the daemon, after a quarter of the time
  std::int64_t anonymous_kib_late = 0;   // at the end
  std::int64_t peak_kib = 0;             // the most that the daemon ever had resident
  double daemon_cpu_us = 0;              // while it was measured, with what it waited for
  double generator_cpu_us = 0;

  [[nodiscard]] double per_second() const { return seconds > 0 ? static_cast<double>(answered) / seconds : 0; }
};

// Makes the requests, then sends them. Errors are texts: the load could not be made at all.
std::expected<LoadReport, std::string> run_load(const LoadOptions& options);

}  // namespace openexec::bench
