// SPDX-License-Identifier: Apache-2.0
// Strict text encodings of bytes: exactly one text for each byte string, everything else is refused.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"

namespace openexec {

// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);
// Lower-case only, an even number of digits; nothing otherwise.
std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text);
// The same into `out`; false, with `out` as it may be, unless the text has just two digits for each byte of it.
bool decode_hex(std::string_view text, std::span<std::uint8_t> out);

// RFC 4648 section 4, padded.
std::string to_base64(ByteView bytes);
// The canonical form only: padded, no white space, unused bits zero (RFC 4648 section 3.5); nothing otherwise.
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);

// 8-4-4-4-12 lower-case hexadecimal, RFC 9562 section 4.
std::string to_uuid_text(const ExecutionId& id);
std::optional<ExecutionId> from_uuid_text(std::string_view text);
// True for 36 characters of that shape, digits of either case.
bool is_uuid_text(std::string_view text);

// True when `text` is UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text);
// True when no character is a control (U+0000 to U+001F, U+007F to U+009F); `text` is UTF-8.
bool has_no_control_characters(std::string_view text);

}  // namespace openexec
