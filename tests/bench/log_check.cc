// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/log_check.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "client/client.h"
#include "proto-json/encoding.h"

namespace openexec::bench {
namespace {

std::expected<Json, std::string> call(client::Client& daemon, std::string_view method, const Json& params) {
  auto outcome = daemon.call(method, params);
  if (!outcome) {
    return std::unexpected(outcome.error().message);
  }
  if (outcome->result() == nullptr) {
    return std::unexpected(fmt::format("{} was refused", method));
  }
  return *outcome->result();
}

// The request's number in "<run name>-<number>"; nothing for another run's nonce.
std::optional<std::uint64_t> request_number(std::string_view nonce, const std::string& run_name) {
  if (!nonce.starts_with(run_name + "-")) {
    return std::nullopt;
  }
  nonce.remove_prefix(run_name.size() + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(nonce.data(), nonce.data() + nonce.size(), number);
  return error == std::errc() && end == nonce.data() + nonce.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

std::expected<std::uint64_t, std::string> log_size(const std::string& socket_path) {
  auto daemon = client::Client::connect(socket_path);
  if (!daemon) {
    return std::unexpected(daemon.error().message);
  }
  const auto health = call(*daemon, "health", nullptr);
  if (!health) {
    return std::unexpected(health.error());
  }
  const Json* log = health->find("log");
  const Json* size = log != nullptr ? log->find("size") : nullptr;
  if (size == nullptr || size->if_int() == nullptr) {
    return std::unexpected("health names no log size");
  }
  return static_cast<std::uint64_t>(*size->if_int());
}

std::expected<std::uint64_t, std::string> check_log(const LoadOptions& options, const LoadReport& report,
                                                    std::uint64_t first) {
  const auto size = log_size(options.socket_path);
  if (!size) {
    return std::unexpected(size.error());
  }
  auto daemon = client::Client::connect(options.socket_path);
  if (!daemon) {
    return std::unexpected(daemon.error().message);
  }
  std::vector<bool> seen(report.receipts.size());
  for (std::uint64_t index = first; index < *size; ++index) {
    const auto answer = call(*daemon, "receipts/get", Json::object({{"index", static_cast<std::int64_t>(index)}}));
    if (!answer) {
      return std::unexpected(fmt::format("entry {}: {}", index, answer.error()));
    }
    const Json* receipt = answer->find("receipt");
    const std::string* kind = receipt != nullptr ? receipt->find_string("kind") : nullptr;
    const std::string* nonce = receipt != nullptr ? receipt->find_string("nonce") : nullptr;
    const std::string* hash = receipt != nullptr ? receipt->find_string("receipt") : nullptr;
    if (kind == nullptr || nonce == nullptr || hash == nullptr || *kind != "executed") {
      return std::unexpected(fmt::format("entry {} is no execution", index));
    }
    const auto number = request_number(*nonce, options.run_name);
    if (!number || *number >= seen.size() || seen[*number]) {
      return std::unexpected(fmt::format("entry {} has a nonce that was not sent, or was recorded before", index));
    }
    if (*hash != to_hex(report.receipts[*number].view())) {
      return std::unexpected(fmt::format("entry {} has another receipt than was answered", index));
    }
    seen[*number] = true;
  }
  if (*size - first != report.answered) {
    return std::unexpected(
        fmt::format("{} requests were answered, and {} entries stand in the log", report.answered, *size - first));
  }
  return *size - first;
}

}  // namespace openexec::bench
