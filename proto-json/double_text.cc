// SPDX-License-Identifier: Apache-2.0
#include "proto-json/double_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "proto-json/check.h"

namespace openexec {
Decimal shortest_decimal(double value) {
  OPENEXEC_CHECK(std::isfinite(value));  // JSON has no other
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  OPENEXEC_CHECK(error == std::errc());

  // [-]d[.ddd]e±dd
  std::string_view rest(text.data(), static_cast<std::size_t>(end - text.data()));
  Decimal out{rest.starts_with('-'), {}, 0};
  rest.remove_prefix(out.negative ? 1 : 0);
  const std::size_t e = rest.find('e');
  for (const char c : rest.substr(0, e)) {
    if (c != '.') {
      out.digits += c;
    }
  }
  std::string_view exponent = rest.substr(e + 1);
  exponent.remove_prefix(exponent.starts_with('+') ? 1 : 0);
  OPENEXEC_CHECK(std::from_chars(exponent.data(), exponent.data() + exponent.size(), out.point).ec == std::errc());
  ++out.point;
  return out;
}

namespace {

// Without an exponent: 1234.5, 0.0012, 100.
void append_positional(std::string& out, const Decimal& decimal) {
  const auto size = static_cast<int>(decimal.digits.size());
  if (decimal.point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-decimal.point), '0');
    out += decimal.digits;
  } else if (decimal.point >= size) {
    out += decimal.digits;
    out.append(static_cast<std::size_t>(decimal.point - size), '0');
  } else {
    out.append(decimal.digits, 0, static_cast<std::size_t>(decimal.point));
    out += '.';
    out.append(decimal.digits, static_cast<std::size_t>(decimal.point));
  }
}

// With one: 1.5e+300, 1e-07. The exponent has at least that many digits.
void append_scientific(std::string& out, const Decimal& decimal, std::size_t exponent_digits_min) {
  out += decimal.digits.front();
  if (decimal.digits.size() > 1) {
    out += '.';
    out.append(decimal.digits, 1);
  }
  const int exponent = decimal.point - 1;
  const std::string magnitude = std::to_string(std::abs(exponent));
  out += exponent < 0 ? "e-" : "e+";
  if (magnitude.size() < exponent_digits_min) {
    out.append(exponent_digits_min - magnitude.size(), '0');
  }
  out += magnitude;
}

}  // namespace

void append_seed_double(std::string& out, double value) {
  const Decimal decimal = shortest_decimal(value);
  if (decimal.negative) {
    out += '-';
  }
  const int exponent = decimal.point - 1;
  if (exponent < -4 || exponent >= 16) {
    append_scientific(out, decimal, 2);
    return;
  }
  append_positional(out, decimal);
  if (decimal.point >= static_cast<int>(decimal.digits.size())) {
    out += ".0";  // it stays a float
  }
}

void append_jcs_double(std::string& out, double value) {
  if (value == 0) {
    out += '0';  // -0 too
    return;
  }
  const Decimal decimal = shortest_decimal(value);
  if (decimal.negative) {
    out += '-';
  }
  if (decimal.point > -6 && decimal.point <= 21) {
    append_positional(out, decimal);
  } else {
    append_scientific(out, decimal, 1);
  }
}

}  // namespace openexec
