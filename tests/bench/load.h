// SPDX-License-Identifier: Apache-2.0
// Closed-loop load: N connections, each with one fresh request at a time, over the real socket of a real daemon.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/crypto.h"

namespace openexec::bench {

struct LoadOptions {
  std::string socket_path;
  std::size_t connections = 1;
  double seconds = 10;
  const SecretKey* key = nullptr;  // signs each request's approval; nullptr for a daemon in demo mode
  std::string tenant_id;
  std::string action = "echo";
  std::string run_name;  // nonces are "<run name>-<number>"
};

struct LoadReport {
  std::uint64_t answered = 0;
  std::uint64_t errors = 0;
  std::string first_error;  // the reply, for a person
  double seconds = 0;
  std::vector<double> latencies_us;  // of every answer, sorted
  std::vector<Hash> receipts;        // by request number: the receipt hash that was answered; zero where there is none
  std::int32_t daemon_pid = 0;
  std::int64_t anonymous_kib_early = 0;  // of the daemon, after a quarter of the time
  std::int64_t anonymous_kib_late = 0;   // at the end

  [[nodiscard]] double per_second() const { return seconds > 0 ? static_cast<double>(answered) / seconds : 0; }
  // The latency that `share` of the answers stay under, in microseconds.
  [[nodiscard]] double percentile_us(double share) const;
};

// Errors are texts: the load could not be made at all.
std::expected<LoadReport, std::string> run_load(const LoadOptions& options);

}  // namespace openexec::bench
