// SPDX-License-Identifier: Apache-2.0
// What the readers of leaves have in common (receipt_reader.cc of parsed JSON, leaf_reader.cc of the text itself): they
// take members apart each in its own way, and hold the values to the same rules.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "proto-json/bytes.h"
#include "proto-json/json.h"
#include "proto-json/receipt.h"
#include "proto-json/utc_time.h"

namespace openexec {

inline constexpr std::int64_t receipt_version = 1;
inline constexpr std::int64_t exact_integer_max = (std::int64_t{1} << 53) - 1;  // beyond it JCS is not one to one
inline constexpr std::int64_t exit_code_max = 255;
inline constexpr std::int32_t signal_max = 64;  // the highest number that Linux has
inline constexpr std::string_view summary_kind_name = "denied_summary";
inline constexpr std::string_view admin_kind_name = "admin";
inline constexpr std::string_view replayed_name = "replayed";  // a summary's word where no reason stands

// A hash and a time in the one spelling that a receipt has for them.
std::optional<Hash> hash_from_hex(std::string_view text);
std::optional<UtcTime> time_from_exact_text(std::string_view text);

// The first thing in it that to_json() must never write, for a person; nothing when all is well.
std::optional<std::string> find_fault(const Receipt& receipt);
std::optional<std::string> find_fault(const DeniedSummary& summary);
std::optional<std::string> find_fault(const AdminChange& change);

// As strict as receipt_from_json().
std::expected<DeniedSummary, std::string> summary_from_json(const Json& json);
std::expected<AdminChange, std::string> admin_from_json(const Json& json);

}  // namespace openexec
