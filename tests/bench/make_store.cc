// SPDX-License-Identifier: Apache-2.0
// openexec-make-store DIR COUNT [demo|clawshield [PREFIX]]: a store with that many `echo` executions, as a daemon would
// have written it, for measuring what reads a whole log or adds to it. Their nonces are "PREFIX-<number>". Prints how
// long a proof takes in it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "daemon/core/attempt.h"
#include "daemon/core/commit.h"
#include "daemon/core/evidence.h"
#include "daemon/core/recovery.h"
#include "daemon/core/registry.h"
#include "daemon/core/store.h"
#include "daemon/io/high_water_file.h"
#include "daemon/io/system_clock.h"
#include "daemon/log_key.h"
#include "proto-json/approval.h"
#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "proto-json/pem.h"

namespace openexec::bench {
namespace {

constexpr std::uint64_t ops_per_commit = 2'000;
constexpr std::chrono::seconds progress_every{10};
constexpr std::string_view tenant = "tenant-001";

SecretKey approver() {
  std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
  seed.fill(7);  // signs nothing but these approvals
  return SecretKey::from_seed(seed);
}

Policy policy_of(bool is_signed) {
  Policy policy;
  policy.origin = "bench/openexec";
  if (is_signed) {
    policy.mode = Mode::clawshield;
    policy.tenant_id = tenant;
  }
  return policy;
}

// What all executions of a store have in common.
struct Terms {
  Policy policy;
  std::string nonce_prefix;
  Registry registry;
  SecretKey key = approver();
};

// The n-th execution, with an approval of its own where the policy wants one.
Claim claim_of(const Terms& terms, UtcTime now, std::uint64_t n) {
  const Policy& policy = terms.policy;
  ExecuteRequest request;
  request.action = "echo";
  request.payload = Json::object({{"msg", fmt::format("message {}", n)}});
  request.nonce = fmt::format("{}-{}", terms.nonce_prefix, n);
  Claim claim;
  std::string approval_id;
  if (policy.mode == Mode::clawshield) {
    ExecutionId bytes;
    std::memcpy(bytes.data.data(), &n, sizeof n);
    approval_id = to_uuid_text(bytes);
    request.approval_artifact =
        mint_clawshield_approval(
            {approval_id, std::string(tenant), request.action, request.payload, now, plus_s(now, 300)}, terms.key)
            .value();
  }
  auto attempt = make_attempt(policy, terms.registry.digest(), {1000, 1000, 42}, std::move(request));
  if (attempt.approval) {
    attempt.approval->id = approval_id;
    attempt.approval->key_ids = {key_id(terms.key.public_key())};
    attempt.approval->approvers = {"bench"};
    claim.approval = {approval_key(tenant, approval_id), now, plus_s(now, 300)};
  }
  claim.finished = std::make_shared<const RunResult>(RunResult{ReceiptKind::executed, to_spaced(attempt.payload), 0});
  claim.attempt = std::make_shared<const Attempt>(std::move(attempt));
  return claim;
}

// The executions from `first` on, made by `threads` threads.
std::vector<Op> ops_of(const Terms& terms, UtcTime now, std::uint64_t first, std::size_t count, unsigned threads) {
  std::vector<Op> ops(count);
  std::vector<std::jthread> makers;
  for (unsigned thread = 0; thread < threads; ++thread) {
    makers.emplace_back([&, thread] {
      for (std::size_t i = thread; i < count; i += threads) {
        ops[i] = claim_of(terms, now, first + i);
      }
    });
  }
  makers.clear();  // waits for them
  return ops;
}

// Commits batch after batch, while the other cores make the next one. What the log came to; nothing when it failed.
std::optional<Checkpoint> fill(Store& store, const NoteSigner& signer, const Terms& terms, std::uint64_t count) {
  using Clock = std::chrono::steady_clock;
  const auto commits = static_cast<std::int64_t>(count / ops_per_commit + 1);
  UtcTime now = plus_s(SystemClock().now(), -commits);  // a commit a second until now
  if (const auto recovered = recover(store, signer, now, {}); !recovered) {
    fmt::print(stderr, "{}\n", recovered.error().message);
    return std::nullopt;
  }
  const unsigned threads = std::max(2U, std::thread::hardware_concurrency()) - 1;
  const auto make = [&](std::uint64_t first, UtcTime at) {
    return std::async(std::launch::async, ops_of, std::cref(terms), at, first, std::min(ops_per_commit, count - first),
                      threads);
  };
  const auto begin = Clock::now();
  auto told = begin;
  auto next = make(0, now);
  std::optional<Checkpoint> log;
  for (std::uint64_t done = 0; done < count;) {
    const std::vector<Op> ops = next.get();
    if (done + ops.size() < count) {
      next = make(done + ops.size(), plus_s(now, 1));
    }
    const auto committed = commit_ops(store, signer, {}, now, ops);
    if (!committed) {
      fmt::print(stderr, "{}\n", committed.error().message);
      return std::nullopt;
    }
    log = committed->log;
    done += ops.size();
    now = plus_s(now, 1);
    if (Clock::now() - told >= progress_every) {
      told = Clock::now();
      fmt::print(stderr, "{} of {} executions, {:.0f} a second\n", done, count,
                 static_cast<double>(done) / std::chrono::duration<double>(told - begin).count());
    }
  }
  return log;
}

// Microseconds for one whole proof of an entry, read from the store as a daemon answers it: the mean over entries all
// over the log. Nothing when one cannot be made.
std::optional<double> proof_us(const Store& store, std::uint64_t count) {
  constexpr std::uint64_t proofs = 10'000;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t n = 0; n < proofs; ++n) {
    const auto txn = store.read();
    if (!txn || !proof_of(*txn, n * 7'919 % count)) {
      return std::nullopt;
    }
  }
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
  return took.count() / static_cast<double>(proofs);
}

// The high-water file, without which a daemon would take the store for a copy.
std::expected<void, std::string> mark(const std::string& dir, const Checkpoint& log) {
  const auto file = HighWaterFile::open(HighWaterFile::path_beside(dir));
  const auto written = file ? file->write(log) : std::unexpected(file.error());
  return written ? file->sync() : written;
}

int make_store(const std::string& dir, std::uint64_t count, bool is_signed, std::string_view nonce_prefix) {
  std::error_code error;
  if (!std::filesystem::create_directory(dir, error)) {
    fmt::print(stderr, "{} cannot be made, or is there already\n", dir);
    return 1;
  }
  std::filesystem::permissions(dir, std::filesystem::perms::owner_all, error);
  Terms terms{policy_of(is_signed), std::string(nonce_prefix), {}};
  add_builtins(terms.registry);
  StoreOptions options;
  options.dir = dir;
  options.map_size_bytes = std::size_t{64} << 30U;
  options.mode = terms.policy.mode;
  options.tenant_id = terms.policy.tenant_id;
  options.origin = terms.policy.origin;
  options.durable = false;
  auto store = Store::open(options);
  if (!store) {
    fmt::print(stderr, "{}\n", store.error());
    return 1;
  }
  auto signer = open_log_key({log_key_path(dir), true, false}, (*store)->origin(), std::nullopt, "");
  if (!signer) {
    fmt::print(stderr, "{}\n", signer.error());
    return 1;
  }
  const auto log = fill(**store, *signer, terms, count);
  if (!log) {
    return 1;
  }
  if (const auto marked = mark(dir, *log); !marked) {
    fmt::print(stderr, "{}\n", marked.error());
    return 1;
  }
  const auto mean_us = proof_us(**store, count);
  if (!mean_us) {
    return 1;
  }
  fmt::print("a proof in a log of {} entries: {:.1f} us\n", count, *mean_us);
  return 0;
}

}  // namespace
}  // namespace openexec::bench

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  std::uint64_t count = 0;
  const bool is_signed = arguments.size() > 2 && arguments[2] == "clawshield";
  const std::string_view prefix = arguments.size() > 3 ? arguments[3] : "made";
  const auto is_number = [&](std::string_view text) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    return error == std::errc() && end == text.data() + text.size();
  };
  if (arguments.size() < 2 || arguments.size() > 4 || !is_number(arguments[1]) || prefix.empty() ||
      (arguments.size() > 2 && !is_signed && arguments[2] != "demo")) {
    fmt::print(stderr, "usage: openexec-make-store DIR COUNT [demo|clawshield [PREFIX]]\n");
    return 2;
  }
  if (count == 0) {
    fmt::print(stderr, "a store of no entries measures nothing\n");
    return 2;
  }
  openexec::init_crypto();
  return openexec::bench::make_store(std::string(arguments[0]), count, is_signed, prefix);
}
