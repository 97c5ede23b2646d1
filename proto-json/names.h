// SPDX-License-Identifier: Apache-2.0
// The names that callers and operators choose, and the bounds on them. Everything else in a receipt has a fixed size,
// so these bounds are what keeps a receipt below receipt_bytes_max.
#pragma once

#include <string>
#include <string_view>

namespace openexec {

bool is_action_name(std::string_view text);    // [A-Za-z0-9_.:-]{1,128}
bool is_nonce(std::string_view text);          // 1 to 256 bytes of UTF-8, no control characters
bool is_tenant_id(std::string_view text);      // 1 to 128 bytes of UTF-8, no control characters
bool is_trace_id(std::string_view text);       // the same
bool is_approver_name(std::string_view text);  // 1 to 255 bytes of UTF-8, no control characters

// A name as an error message repeats it: in quotes, ASCII only, cut at quoted_name_bytes_max. `name` is UTF-8.
std::string quoted_name(std::string_view name);

}  // namespace openexec
