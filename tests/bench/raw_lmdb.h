// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

namespace openexec::bench {

struct CommitRate {
  double keys_per_second = 0;
  double median_us = 0;
  double p99_us = 0;
};

// Synced LMDB commits of `keys` random 32-byte keys with 100-byte values each, one after the other, in one table that
// has 100,000 rows when it begins. It stands in a new folder in `dir`, which goes again. The error is a text.
std::expected<CommitRate, std::string> raw_commit_rate(const std::string& dir, std::size_t keys, double seconds);

}  // namespace openexec::bench
