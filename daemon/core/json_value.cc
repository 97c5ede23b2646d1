// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/json_value.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "proto-json/check.h"
#include "proto-json/double_text.h"

namespace openexec {
namespace {

constexpr double two_to_63 = 9223372036854775808.0;

// The integer part of a double that 64 bits hold; nothing otherwise.
std::optional<std::int64_t> truncated(double value) {
  if (value >= -two_to_63 && value < two_to_63) {
    return static_cast<std::int64_t>(value);
  }
  return std::nullopt;
}

std::partial_ordering compare(std::int64_t a, double b) {
  const auto whole = truncated(b);
  if (!whole) {
    return 0.0 <=> b;  // its sign decides; a NaN is unordered
  }
  if (a != *whole) {
    return a <=> *whole;
  }
  return 0.0 <=> b - std::trunc(b);  // exact
}

// The size of a number: digits times ten to the power of `exponent`. At most 19 digits, at most 2^63.
struct Magnitude {
  std::uint64_t digits = 0;
  int exponent = 0;
};

Magnitude magnitude(const Json& number) {
  if (const auto* const integer = number.if_int()) {
    const auto bits = static_cast<std::uint64_t>(*integer);
    return {*integer < 0 ? 0 - bits : bits, 0};
  }
  const Decimal decimal = shortest_decimal(*number.if_double());
  Magnitude out;
  const auto [end, error] =
      std::from_chars(decimal.digits.data(), decimal.digits.data() + decimal.digits.size(), out.digits);
  OPENEXEC_CHECK(error == std::errc());  // 17 digits at most
  out.exponent = decimal.point - static_cast<int>(decimal.digits.size());
  return out;
}

// a * b modulo m, all at most 2^63.
std::uint64_t multiply_modulo(std::uint64_t a, std::uint64_t b, std::uint64_t m) {
  std::uint64_t out = 0;
  for (a %= m; b > 0; b >>= 1U) {
    if ((b & 1U) != 0) {
      out = (out + a) % m;
    }
    a = (a + a) % m;
  }
  return out;
}

std::uint64_t power_of_ten_modulo(int exponent, std::uint64_t m) {
  std::uint64_t out = 1 % m;
  std::uint64_t square = 10 % m;
  for (auto left = static_cast<unsigned>(exponent); left > 0; left >>= 1U) {
    if ((left & 1U) != 0) {
      out = multiply_modulo(out, square, m);
    }
    square = multiply_modulo(square, square, m);
  }
  return out;
}

bool is_finite(const Json& number) { return number.if_double() == nullptr || std::isfinite(*number.if_double()); }

// Each kind of value begins with a letter of its own, and says where it ends.
void append_key(std::string& out, const Json& value);

void append_counted(std::string& out, char kind, std::size_t count) {
  out += kind;
  out += std::to_string(count);
  out += ':';
}

void append_text(std::string& out, const std::string& text) {
  append_counted(out, 's', text.size());
  out += text;
}

void append_number(std::string& out, const Json& number) {
  const double* const real = number.if_double();
  const auto whole = real == nullptr ? std::optional(*number.if_int()) : truncated(*real);
  if (whole && (real == nullptr || std::trunc(*real) == *real)) {
    out += 'i';
    out += std::to_string(*whole);
    out += ';';
    return;
  }
  out += 'd';
  const auto bytes = std::bit_cast<std::array<char, sizeof(double)>>(*real);
  out.append(bytes.data(), bytes.size());
}

void append_key(std::string& out, const Json& value) {
  if (value.is_null()) {
    out += 'n';
  } else if (const auto* const truth = value.if_bool()) {
    out += *truth ? 't' : 'f';
  } else if (is_number(value)) {
    append_number(out, value);
  } else if (const auto* const text = value.if_string()) {
    append_text(out, *text);
  } else if (const auto* const items = value.if_array()) {
    append_counted(out, 'a', items->size());
    for (const Json& item : *items) {
      append_key(out, item);
    }
  } else {
    append_counted(out, 'o', value.if_object()->size());
    for (const Member& member : *value.if_object()) {  // sorted already
      append_text(out, member.key);
      append_key(out, member.value);
    }
  }
}

}  // namespace

bool is_number(const Json& value) { return value.if_int() != nullptr || value.if_double() != nullptr; }

bool is_integer(const Json& value) {
  const double* const real = value.if_double();
  return value.if_int() != nullptr || (real != nullptr && std::isfinite(*real) && std::trunc(*real) == *real);
}

std::partial_ordering compare_numbers(const Json& a, const Json& b) {
  const auto* const a_int = a.if_int();
  const auto* const b_int = b.if_int();
  if (a_int != nullptr) {
    return b_int != nullptr ? std::partial_ordering(*a_int <=> *b_int) : compare(*a_int, *b.if_double());
  }
  return b_int != nullptr ? 0 <=> compare(*b_int, *a.if_double()) : *a.if_double() <=> *b.if_double();
}

bool is_multiple_of(const Json& value, const Json& divisor) {
  if (!is_finite(value) || !is_finite(divisor)) {
    return false;
  }
  Magnitude a = magnitude(value);
  const Magnitude b = magnitude(divisor);
  OPENEXEC_CHECK(b.digits > 0);
  int shift = a.exponent - b.exponent;
  for (; shift < 0 && a.digits % 10 == 0 && a.digits > 0; ++shift) {
    a.digits /= 10;
  }
  if (a.digits == 0) {
    return true;
  }
  if (shift < 0) {
    return false;  // it has a digit below the divisor's last one
  }
  return multiply_modulo(a.digits, power_of_ten_modulo(shift, b.digits), b.digits) == 0;
}

std::string value_key(const Json& value) {
  std::string out;
  append_key(out, value);
  return out;
}

}  // namespace openexec
