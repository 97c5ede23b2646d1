// SPDX-License-Identifier: Apache-2.0
#include "proto-json/names.h"

#include <algorithm>
#include <cstddef>

#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/utf8.h"

namespace openexec {
namespace {

bool is_action_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == ':' || c == '-';
}

bool is_name(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max && is_utf8(text) && has_no_control_characters(text);
}

}  // namespace

bool is_action_name(std::string_view text) {
  return !text.empty() && text.size() <= limits::action_bytes_max && std::ranges::all_of(text, is_action_character);
}

bool is_nonce(std::string_view text) { return is_name(text, limits::nonce_bytes_max); }

bool is_tenant_id(std::string_view text) { return is_name(text, limits::tenant_id_bytes_max); }

bool is_trace_id(std::string_view text) { return is_name(text, limits::trace_id_bytes_max); }

bool is_approver_name(std::string_view text) { return is_name(text, limits::approver_name_bytes_max); }

std::string quoted_name(std::string_view name) {
  std::size_t bytes = 0;
  while (const auto character = first_utf8_character(name.substr(bytes))) {
    if (bytes + character->bytes > limits::quoted_name_bytes_max) {
      break;
    }
    bytes += character->bytes;
  }
  std::string out;
  append_seed_string(out, name.substr(0, bytes));
  return bytes < name.size() ? out + "..." : out;
}

}  // namespace openexec
