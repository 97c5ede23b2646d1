// SPDX-License-Identifier: Apache-2.0
// How quantities are written in the configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace openexec {

// "30s", "5m", "24h", "7d": a whole number and its unit.
std::optional<std::int64_t> duration_s_of(std::string_view text);
// The same in milliseconds, and "500ms".
std::optional<std::int64_t> duration_ms_of(std::string_view text);
// "4GiB", "64MiB", "16KiB", "1TiB" or a number of bytes.
std::optional<std::uint64_t> size_bytes_of(std::string_view text);
// "80%".
std::optional<std::uint64_t> percent_of(std::string_view text);
// "0660": octal, up to 0777.
std::optional<std::uint32_t> file_mode_of(std::string_view text);

}  // namespace openexec
