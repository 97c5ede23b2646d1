// SPDX-License-Identifier: Apache-2.0
#include "proto-json/canonical.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "proto-json/check.h"
#include "proto-json/double_text.h"
#include "proto-json/encoding.h"
#include "proto-json/utf8.h"

namespace openexec {
namespace {

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 24> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  OPENEXEC_CHECK(error == std::errc());
  out.append(text.data(), end);
}

// Beyond it a double does not hold every integer, and ECMAScript has doubles only.
constexpr std::int64_t exact_integer_max = std::int64_t{1} << 53;

void append_jcs_integer(std::string& out, std::int64_t value) {
  if (value >= -exact_integer_max && value <= exact_integer_max) {
    append_integer(out, value);
  } else {
    append_jcs_double(out, static_cast<double>(value));
  }
}

void append_unicode_escape(std::string& out, unsigned code_unit) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U}) {
    out += digits[(code_unit >> shift) & 0xFU];
  }
}

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// Printable ASCII that neither form escapes.
bool is_plain(char c) { return !needs_escape(c) && static_cast<unsigned char>(c) < 0x7F; }

// Whether eight characters are plain, all looked at in one word: each test leaves its byte's top bit set where it
// holds. (A borrow can only mark a byte above one that is marked rightly.)
bool are_plain(std::uint64_t word) {
  constexpr std::uint64_t each = 0x0101010101010101;
  constexpr std::uint64_t top_bits = 0x80 * each;
  const auto is_zero = [](std::uint64_t bytes) { return (bytes - each) & ~bytes; };
  const std::uint64_t control = (word - 0x20 * each) & ~word;
  const std::uint64_t special = is_zero(word ^ '"' * each) | is_zero(word ^ '\\' * each) | is_zero(word ^ 0x7F * each);
  return ((word | control | special) & top_bits) == 0;
}

// How many characters at the head of `text` are plain: names, hashes and times are so from end to end.
std::size_t plain_prefix(std::string_view text) {
  std::size_t at = 0;
  std::uint64_t word = 0;
  while (at + sizeof word <= text.size()) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if (!are_plain(word)) {
      break;
    }
    at += sizeof word;
  }
  while (at < text.size() && is_plain(text[at])) {
    ++at;
  }
  return at;
}

// One ASCII character, as a short escape where JSON has one.
void append_escaped(std::string& out, char c) {
  constexpr std::string_view characters = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  const std::size_t found = characters.find(c);
  if (found != std::string_view::npos) {
    out += '\\';
    out += letters[found];
  } else {
    append_unicode_escape(out, static_cast<unsigned char>(c));
  }
}

// What a JCS string holds from its first character on that is not plain.
void append_jcs_rest(std::string& out, std::string_view text) {
  OPENEXEC_CHECK(is_utf8(text));
  while (!text.empty()) {
    const auto run = static_cast<std::size_t>(std::ranges::find_if(text, needs_escape) - text.begin());
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (!text.empty()) {
      append_escaped(out, text.front());
      text.remove_prefix(1);
    }
  }
}

// UTF-8 sorts like UTF-16 but that U+E000 to U+FFFF (lead bytes EE and EF) come after what lies past U+FFFF (F0 to F4,
// surrogates in UTF-16). No continuation byte is as high as EE, so it is safe to move single bytes.
unsigned utf16_rank(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0xEE || byte == 0xEF ? byte + 0x10U : byte;
}

bool utf16_less(const Member* a, const Member* b) {
  return std::ranges::lexicographical_compare(a->key, b->key, std::less<>(), utf16_rank, utf16_rank);
}

struct SeedWriter {
  std::string& out;
  std::string_view comma;
  std::string_view colon;

  void write(const Json& value) const {
    if (const auto* const boolean = value.if_bool()) {
      out += *boolean ? "true" : "false";
    } else if (const auto* const integer = value.if_int()) {
      append_integer(out, *integer);
    } else if (const auto* const number = value.if_double()) {
      append_seed_double(out, *number);
    } else if (const auto* const text = value.if_string()) {
      append_seed_string(out, *text);
    } else if (const auto* const array = value.if_array()) {
      write_array(*array);
    } else if (const auto* const object = value.if_object()) {
      write_object(*object);
    } else {
      out += "null";
    }
  }

  void write_array(const Json::Array& array) const {
    out += '[';
    bool first = true;
    for (const Json& item : array) {
      out += first ? std::string_view() : comma;
      first = false;
      write(item);
    }
    out += ']';
  }

  // The members are in code point order already.
  void write_object(const Json::Object& object) const {
    out += '{';
    bool first = true;
    for (const Member& member : object) {
      out += first ? std::string_view() : comma;
      first = false;
      append_seed_string(out, member.key);
      out += colon;
      write(member.value);
    }
    out += '}';
  }
};

void append_jcs(std::string& out, const Json& value);

void append_jcs_array(std::string& out, const Json::Array& array) {
  out += '[';
  bool first = true;
  for (const Json& item : array) {
    out += first ? "" : ",";
    first = false;
    append_jcs(out, item);
  }
  out += ']';
}

void append_jcs_object(std::string& out, const Json::Object& object) {
  std::vector<const Member*> members;
  members.reserve(object.size());
  for (const Member& member : object) {
    members.push_back(&member);
  }
  std::ranges::sort(members, utf16_less);
  out += '{';
  bool first = true;
  for (const Member* const member : members) {
    out += first ? "" : ",";
    first = false;
    append_jcs_string(out, member->key);
    out += ':';
    append_jcs(out, member->value);
  }
  out += '}';
}

void append_jcs(std::string& out, const Json& value) {
  if (const auto* const boolean = value.if_bool()) {
    out += *boolean ? "true" : "false";
  } else if (const auto* const integer = value.if_int()) {
    append_jcs_integer(out, *integer);
  } else if (const auto* const number = value.if_double()) {
    append_jcs_double(out, *number);
  } else if (const auto* const text = value.if_string()) {
    append_jcs_string(out, *text);
  } else if (const auto* const array = value.if_array()) {
    append_jcs_array(out, *array);
  } else if (const auto* const object = value.if_object()) {
    append_jcs_object(out, *object);
  } else {
    out += "null";
  }
}

}  // namespace

bool has_canonical_form(const Json& value) {
  if (const auto* const number = value.if_double()) {
    return std::isfinite(*number);
  }
  if (const auto* const text = value.if_string()) {
    return is_utf8(*text);
  }
  if (const auto* const array = value.if_array()) {
    return std::ranges::all_of(*array, has_canonical_form);
  }
  if (const auto* const object = value.if_object()) {
    return std::ranges::all_of(
        *object, [](const Member& member) { return is_utf8(member.key) && has_canonical_form(member.value); });
  }
  return true;
}

std::string to_compact(const Json& value) {
  std::string out;
  append_compact(out, value);
  return out;
}

std::string to_spaced(const Json& value) {
  std::string out;
  SeedWriter{out, ", ", ": "}.write(value);
  return out;
}

std::string to_jcs(const Json& value) {
  std::string out;
  append_jcs(out, value);
  return out;
}

void append_jcs_string(std::string& out, std::string_view text) {
  out += '"';
  const std::size_t run = plain_prefix(text);
  out += text.substr(0, run);
  append_jcs_rest(out, text.substr(run));
  out += '"';
}

void append_compact(std::string& out, const Json& value) { SeedWriter{out, ",", ":"}.write(value); }

void append_seed_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t run = plain_prefix(text);
    out += text.substr(0, run);
    text.remove_prefix(run);
    const auto character = first_utf8_character(text);
    if (!character) {
      OPENEXEC_CHECK(text.empty());
    } else if (character->code_point < 0x80) {
      append_escaped(out, text.front());
    } else if (character->code_point < 0x10000) {
      append_unicode_escape(out, character->code_point);
    } else {
      const auto beyond = static_cast<unsigned>(character->code_point - 0x10000);
      append_unicode_escape(out, 0xD800 + (beyond >> 10));
      append_unicode_escape(out, 0xDC00 + (beyond & 0x3FF));
    }
    text.remove_prefix(character ? character->bytes : 0);
  }
  out += '"';
}

}  // namespace openexec
