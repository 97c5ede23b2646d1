// SPDX-License-Identifier: Apache-2.0
// The rows that table meta may have (docs/formats.md, "Store").
#pragma once

#include <array>
#include <string_view>

namespace openexec::meta {

inline constexpr std::string_view format = "format";
inline constexpr std::string_view mode = "mode";
inline constexpr std::string_view tenant_id = "tenant_id";
inline constexpr std::string_view origin = "origin";
inline constexpr std::string_view epoch = "epoch";
inline constexpr std::string_view log_key = "log_key";
inline constexpr std::string_view clock_floor = "clock_floor";
inline constexpr std::string_view recoveries = "recoveries";
inline constexpr std::string_view approvals_floor = "approvals_floor";
inline constexpr std::string_view key_progress = "key_progress";

inline constexpr std::array keys = {format,  mode,        tenant_id,  origin,          epoch,
                                    log_key, clock_floor, recoveries, approvals_floor, key_progress};

}  // namespace openexec::meta
