// SPDX-License-Identifier: Apache-2.0
#include "client/cli/receipt_text.h"

#include <fmt/format.h>

#include <utility>

namespace openexec::cli {
namespace {

std::string_view name_of(const Receipt& receipt) { return to_text(receipt.kind); }
std::string_view name_of(const DeniedSummary& /*summary*/) { return "denied_summary"; }
std::string_view name_of(const AdminChange& change) {
  switch (change.change) {
    case AdminChange::Kind::adopt:
      return "adopt";
  }
  std::unreachable();
}

std::string subject_of(const Receipt& receipt) {
  return receipt.reason ? fmt::format("{}: {}", printable(receipt.action), info(*receipt.reason).name)
                        : printable(receipt.action);
}
std::string subject_of(const DeniedSummary& summary) {
  std::uint64_t count = 0;
  for (const DeniedSummary::Row& row : summary.rows) {
    count += row.count;
  }
  return fmt::format("{} attempts with no entry of their own", with_separators(count));
}
std::string subject_of(const AdminChange& change) {
  return fmt::format("epoch {} begins: {}", change.epoch, printable(change.origin));
}

}  // namespace

Colour colour_of(ReceiptKind kind) {
  switch (kind) {
    case ReceiptKind::executed:
      return Colour::green;
    case ReceiptKind::started:
      return Colour::plain;
    case ReceiptKind::failed:
    case ReceiptKind::timed_out:
    case ReceiptKind::unknown:
    case ReceiptKind::denied:
      return Colour::red;
  }
  std::unreachable();
}

std::string_view kind_name(const LeafContent& leaf) {
  return std::visit([](const auto& content) { return name_of(content); }, leaf);
}

std::string subject_text(const LeafContent& leaf) {
  return std::visit([](const auto& content) { return subject_of(content); }, leaf);
}

UtcTime time_of(const LeafContent& leaf) {
  return std::visit([](const auto& content) { return content.at; }, leaf);
}

std::string end_text(const ProcessEnd& end) {
  return fmt::format("{} {}", end.is_signal ? "signal" : "exit", end.number);
}

}  // namespace openexec::cli
