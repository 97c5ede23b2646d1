// SPDX-License-Identifier: Apache-2.0
// What the line formats of C2SP have in common: lines that end in "\n", decimals with one spelling, hashes in base64.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"

namespace openexec {

// Takes the first line off `rest`, without its "\n". Nothing when no line ends there; `rest` is then as it was.
std::optional<std::string_view> take_line(std::string_view& rest);

// ASCII decimal below 2^62, which no tree reaches, with no leading zero.
std::optional<std::uint64_t> read_decimal(std::string_view text);

// One hash in a line, base64.
std::string to_base64_line(const Hash& hash);
std::optional<Hash> read_base64_hash(std::string_view text);
// Lines of hashes up to an empty line, which is taken too. Nothing when one of them is no hash, there are more than
// `count_max`, or the empty line is missing.
std::optional<std::vector<Hash>> take_hash_lines(std::string_view& rest, std::size_t count_max);

}  // namespace openexec
