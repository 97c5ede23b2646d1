// SPDX-License-Identifier: Apache-2.0
// openexec-make-store DIR COUNT [demo|clawshield]: a store with that many `echo` executions, as a daemon would have
// written it, for measuring what reads a whole log. Prints how long a proof takes in it.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "daemon/core/attempt.h"
#include "daemon/core/commit.h"
#include "daemon/core/evidence.h"
#include "daemon/core/recovery.h"
#include "daemon/core/registry.h"
#include "daemon/core/store.h"
#include "daemon/log_key.h"
#include "proto-json/approval.h"
#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "proto-json/pem.h"

namespace openexec::bench {
namespace {

constexpr std::size_t ops_per_commit = 1000;
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

// The n-th execution, with an approval of its own where the policy wants one.
Claim claim_of(const Policy& policy, const Registry& registry, const SecretKey& key, UtcTime now, std::uint64_t n) {
  ExecuteRequest request;
  request.action = "echo";
  request.payload = Json::object({{"msg", fmt::format("message {}", n)}});
  request.nonce = to_hex(sha256(fmt::format("{}", n)).view()).substr(0, 32);
  Claim claim;
  std::string approval_id;
  if (policy.mode == Mode::clawshield) {
    ExecutionId bytes;
    std::memcpy(bytes.data.data(), &n, sizeof n);
    approval_id = to_uuid_text(bytes);
    request.approval_artifact =
        mint_clawshield_approval(
            {approval_id, std::string(tenant), request.action, request.payload, now, plus_s(now, 300)}, key)
            .value();
  }
  auto attempt = make_attempt(policy, registry.digest(), {1000, 1000, 42}, std::move(request));
  if (attempt.approval) {
    attempt.approval->id = approval_id;
    attempt.approval->key_ids = {key_id(key.public_key())};
    attempt.approval->approvers = {"bench"};
    claim.approval = {approval_key(tenant, approval_id), now, plus_s(now, 300)};
  }
  claim.finished = std::make_shared<const RunResult>(RunResult{ReceiptKind::executed, to_spaced(attempt.payload), 0});
  claim.attempt = std::make_shared<const Attempt>(std::move(attempt));
  return claim;
}

bool fill(Store& store, const NoteSigner& signer, const Policy& policy, std::uint64_t count) {
  Registry registry;
  add_builtins(registry);
  const SecretKey key = approver();
  UtcTime now = from_text("2026-11-21T12:00:00Z").value();
  if (const auto recovered = recover(store, signer, now, {}); !recovered) {
    fmt::print(stderr, "{}\n", recovered.error().message);
    return false;
  }
  for (std::uint64_t n = 0; n < count;) {
    std::vector<Op> ops;
    for (; ops.size() < ops_per_commit && n < count; ++n) {
      ops.emplace_back(claim_of(policy, registry, key, now, n));
    }
    if (const auto done = commit_ops(store, signer, {}, now, ops); !done) {
      fmt::print(stderr, "{}\n", done.error().message);
      return false;
    }
    now = plus_s(now, 1);
  }
  return true;
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

int make_store(const std::string& dir, std::uint64_t count, bool is_signed) {
  std::error_code error;
  if (!std::filesystem::create_directory(dir, error)) {
    fmt::print(stderr, "{} cannot be made, or is there already\n", dir);
    return 1;
  }
  std::filesystem::permissions(dir, std::filesystem::perms::owner_all, error);
  const Policy policy = policy_of(is_signed);
  StoreOptions options;
  options.dir = dir;
  options.map_size_bytes = std::size_t{64} << 30U;
  options.mode = policy.mode;
  options.tenant_id = policy.tenant_id;
  options.origin = policy.origin;
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
  const auto mean_us = fill(**store, *signer, policy, count) ? proof_us(**store, count) : std::nullopt;
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
  const bool is_signed = arguments.size() == 3 && arguments[2] == "clawshield";
  if ((arguments.size() != 2 && !is_signed && (arguments.size() != 3 || arguments[2] != "demo")) ||
      std::from_chars(arguments[1].data(), arguments[1].data() + arguments[1].size(), count).ptr !=
          arguments[1].data() + arguments[1].size()) {
    fmt::print(stderr, "usage: openexec-make-store DIR COUNT [demo|clawshield]\n");
    return 2;
  }
  if (count == 0) {
    fmt::print(stderr, "a store of no entries measures nothing\n");
    return 2;
  }
  openexec::init_crypto();
  return openexec::bench::make_store(std::string(arguments[0]), count, is_signed);
}
