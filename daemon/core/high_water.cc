// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/high_water.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/core/log_tree.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/encoding.h"
#include "proto-json/text_lines.h"

namespace openexec {
namespace {

constexpr std::string_view first_line = "openexec high water";
constexpr std::size_t size_digits = 20;

}  // namespace

std::string to_high_water_text(const Checkpoint& log) {
  std::string text =
      fmt::format("{}\n{}\n{:0{}}\n{}", first_line, log.origin, log.size, size_digits, to_base64_line(log.root));
  const std::string check = to_hex(sha256(text).view());
  return text + check + "\n";
}

std::optional<Checkpoint> read_high_water_text(std::string_view text) {
  std::string_view rest = text;
  const auto first = take_line(rest);
  const auto origin = take_line(rest);
  auto size_line = take_line(rest);
  const auto root_line = take_line(rest);
  if (first != first_line || !origin || !size_line || size_line->size() != size_digits || !root_line) {
    return std::nullopt;
  }
  size_line->remove_prefix(std::min(size_line->find_first_not_of('0'), size_digits - 1));
  const auto size = read_decimal(*size_line);
  const auto root = read_base64_hash(*root_line);
  if (!size || !root) {
    return std::nullopt;
  }
  Checkpoint log{std::string(*origin), *size, *root};
  return to_high_water_text(log) == text ? std::optional(std::move(log)) : std::nullopt;
}

StoreResult<std::optional<std::string>> why_behind(const Store& store, const std::optional<Checkpoint>& mark,
                                                   const std::string& adopt_command) {
  const auto txn = store.read();
  const auto size = txn ? log_size(*txn) : std::unexpected(txn.error());
  if (!size) {
    return std::unexpected(size.error());
  }
  const std::string advice =
      "it has forgotten which nonces and approvals were used since. If you mean to run it, take it over:  " +
      adopt_command;
  if (!mark) {
    return *size == 0 ? std::nullopt
                      : std::optional(fmt::format("the store {} has {} entries and no high-water file, so it may be a "
                                                  "copy: {}",
                                                  store.options().dir, *size, advice));
  }
  if (mark->origin != store.origin()) {
    return fmt::format("the high-water file is of the log {}, and the store {} is of {}: {}", mark->origin,
                       store.options().dir, store.origin(), advice);
  }
  if (mark->size > *size) {
    return fmt::format("the store {} has {} entries, and had {} before: it was put back to an older copy, and {}",
                       store.options().dir, *size, mark->size, advice);
  }
  const auto root = tree_root(*txn, mark->size);
  if (!root) {
    return std::unexpected(root.error());
  }
  if (*root != mark->root) {
    return fmt::format("the first {} entries of the store {} are not those that it had before: {}", mark->size,
                       store.options().dir, advice);
  }
  return std::nullopt;
}

}  // namespace openexec
