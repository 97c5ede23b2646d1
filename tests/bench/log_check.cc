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

// Marks its request as seen. Errors say what is wrong with the entry.
std::expected<void, std::string> check_entry(const Json& entry, const std::string& run_name,
                                             const std::vector<Hash>& receipts, std::vector<bool>& seen) {
  const std::string* kind = entry.find_string("kind");
  const std::string* nonce = entry.find_string("nonce");
  const std::string* receipt = entry.find_string("receipt");
  if (kind == nullptr || nonce == nullptr || receipt == nullptr || *kind != "executed") {
    return std::unexpected("is no execution");
  }
  const auto number = request_number(*nonce, run_name);
  if (!number || *number >= seen.size() || seen[*number]) {
    return std::unexpected("has a nonce that was not sent, or was recorded before");
  }
  if (*receipt != to_hex(receipts[*number].view())) {
    return std::unexpected("has another receipt than was answered");
  }
  seen[*number] = true;
  return {};
}

}  // namespace

std::expected<std::uint64_t, std::string> log_size(const std::string& socket_path) {
  auto daemon = client::Client::connect(socket_path);
  if (!daemon) {
    return std::unexpected(fmt::format("{}: {}", socket_path, daemon.error().message));
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

std::expected<std::uint64_t, std::string> check_log(const LoadOptions& options, const LoadReport& report) {
  const auto size = log_size(options.socket_path);
  if (!size) {
    return std::unexpected(size.error());
  }
  auto daemon = client::Client::connect(options.socket_path);
  if (!daemon) {
    return std::unexpected(daemon.error().message);
  }
  std::vector<bool> seen(report.receipts.size());
  std::uint64_t index = report.log_size_before;
  while (index < *size) {
    const auto answer = call(*daemon, "log/entries", Json::object({{"start", static_cast<std::int64_t>(index)}}));
    const Json* entries = answer ? answer->find("entries") : nullptr;
    if (entries == nullptr || entries->if_array() == nullptr || entries->if_array()->empty()) {
      return std::unexpected(
          fmt::format("the entries from {} on: {}", index, answer ? "an answer without them" : answer.error()));
    }
    for (const Json& entry : *entries->if_array()) {
      if (index == *size) {
        break;  // a later one
      }
      if (auto good = check_entry(entry, options.terms.run_name, report.receipts, seen); !good) {
        return std::unexpected(fmt::format("entry {} {}", index, good.error()));
      }
      ++index;
    }
  }
  if (*size - report.log_size_before != report.answered) {
    return std::unexpected(fmt::format("{} requests were answered, and {} entries stand in the log", report.answered,
                                       *size - report.log_size_before));
  }
  return report.answered;
}

}  // namespace openexec::bench
