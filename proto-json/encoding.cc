// SPDX-License-Identifier: Apache-2.0
#include "proto-json/encoding.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "proto-json/utf8.h"

namespace openexec {
namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xFF;

// The value of each character as a digit; no_digit for the rest.
constexpr std::array<std::uint8_t, 256> values_of(std::string_view digits) {
  std::array<std::uint8_t, 256> out{};
  out.fill(no_digit);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    out[static_cast<std::uint8_t>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return out;
}
constexpr auto base64_values = values_of(base64_digits);

constexpr std::string_view hex_digits = "0123456789abcdef";
// Both digits of each byte: hashes are most of a receipt.
constexpr std::array<std::array<char, 2>, 256> hex_pairs() {
  std::array<std::array<char, 2>, 256> out{};
  for (std::size_t byte = 0; byte < out.size(); ++byte) {
    out[byte] = {hex_digits[byte >> 4U], hex_digits[byte & 0x0FU]};
  }
  return out;
}
void write_hex(char* to, std::uint8_t byte) {
  static constexpr auto pairs = hex_pairs();
  std::memcpy(to, pairs[byte].data(), 2);
}

// By arithmetic: a compiler makes vectors of it.
constexpr std::uint8_t hex_value(char digit) {
  const auto from_0 = static_cast<std::uint8_t>(digit - '0');
  const auto from_a = static_cast<std::uint8_t>(digit - 'a');
  const auto letter = static_cast<std::uint8_t>(from_a < 6 ? from_a + 10 : no_digit);
  return from_0 < 10 ? from_0 : letter;
}
std::uint8_t base64_value(char digit) { return base64_values[static_cast<std::uint8_t>(digit)]; }

// How much of the head of `text` is ASCII, in whole blocks, which a compiler looks at at once.
std::size_t ascii_prefix(std::string_view text) {
  constexpr std::size_t block = 16;
  std::size_t at = 0;
  for (; at + block <= text.size(); at += block) {
    unsigned any = 0;
    for (std::size_t i = 0; i < block; ++i) {
      any |= static_cast<std::uint8_t>(text[at + i]);
    }
    if (any >= 0x80) {
      break;
    }
  }
  return at;
}

constexpr std::size_t uuid_chars = 36;
bool is_uuid_hyphen(std::size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out(bytes.size() * 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    write_hex(&out[2 * i], bytes[i]);
  }
  return out;
}

std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text) {
  std::vector<std::uint8_t> out(text.size() / 2);
  return decode_hex(text, out) ? std::optional(std::move(out)) : std::nullopt;
}

bool decode_hex(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() != 2 * out.size()) {
    return false;
  }
  unsigned all = 0;  // of the digits' values, ORed: no_digit has bits that no digit has
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint8_t high = hex_value(text[2 * i]);
    const std::uint8_t low = hex_value(text[2 * i + 1]);
    all |= unsigned{high} | low;
    out[i] = static_cast<std::uint8_t>((high << 4) | low);
  }
  return all < 16;
}

std::string to_base64(ByteView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  while (!bytes.empty()) {
    const std::size_t taken = bytes.size() < 3 ? bytes.size() : 3;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = (bits << 8) | (i < taken ? bytes[i] : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= taken ? base64_digits[(bits >> (18 - 6 * i)) & 0x3F] : '=';
    }
    bytes = bytes.subspan(taken);
  }
  return out;
}

std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  std::vector<std::uint8_t> out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const std::string_view group = text.substr(at, 4);
    const bool last = at + 4 == text.size();
    std::size_t digits = 4;
    if (last && group[3] == '=') {
      digits = group[2] == '=' ? 2 : 3;
    }
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint8_t value = i < digits ? base64_value(group[i]) : 0;
      if (value == no_digit) {
        return std::nullopt;
      }
      bits = (bits << 6) | value;
    }
    for (std::size_t i = 0; i < 3; ++i) {
      const auto byte = static_cast<std::uint8_t>(bits >> (16 - 8 * i));
      if (i + 1 < digits) {
        out.push_back(byte);
      } else if (byte != 0) {
        return std::nullopt;  // bits that carry nothing must be zero, or two texts would mean the same bytes
      }
    }
  }
  return out;
}

std::string to_uuid_text(const ExecutionId& id) {
  std::string out(uuid_chars, '-');
  std::size_t at = 0;
  for (const std::uint8_t byte : id.data) {
    at += is_uuid_hyphen(at) ? 1 : 0;  // each stands between two bytes
    write_hex(&out[at], byte);
    at += 2;
  }
  return out;
}

std::optional<ExecutionId> from_uuid_text(std::string_view text) {
  if (text.size() != uuid_chars) {
    return std::nullopt;
  }
  std::array<char, 2 * ExecutionId::size_bytes> digits{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_uuid_hyphen(i)) {
      digits.at(count++) = text[i];
    } else if (text[i] != '-') {
      return std::nullopt;
    }
  }
  ExecutionId id;
  return decode_hex({digits.data(), digits.size()}, id.data) ? std::optional(id) : std::nullopt;
}

bool is_uuid_text(std::string_view text) {
  if (text.size() != uuid_chars) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool fits = is_uuid_hyphen(i) ? c == '-' : hex_value(c) != no_digit || (c >= 'A' && c <= 'F');
    if (!fits) {
      return false;
    }
  }
  return true;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    if (const std::size_t ascii = ascii_prefix(text); ascii > 0) {
      text.remove_prefix(ascii);
      continue;
    }
    const auto character = first_utf8_character(text);
    if (!character) {
      return false;
    }
    text.remove_prefix(character->bytes);
  }
  return true;
}

bool has_no_control_characters(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte < 0x20 || byte == 0x7F) {
      return false;
    }
    // U+0080 to U+009F: C2 80 to C2 9F. C2 is never a continuation byte.
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xA0) {
      return false;
    }
  }
  return true;
}

}  // namespace openexec
