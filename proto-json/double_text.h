// SPDX-License-Identifier: Apache-2.0
// A finite double as text that reads back as the same double, in the two layouts of the canonical forms.
#pragma once

#include <string>

namespace openexec {

// The shortest decimal that reads back as the same double: 0.d1d2… times ten to the power of `point`.
struct Decimal {
  bool negative = false;
  std::string digits;  // no leading zero and no trailing one, but "0" for zero
  int point = 0;
};

// Aborts when `value` is not finite.
Decimal shortest_decimal(double value);

// As CPython's repr() prints it: 100.0, 1e-07, 1e+16, -0.0. Aborts when `value` is not finite.
void append_seed_double(std::string& out, double value);

// As ECMAScript's Number::toString does (ECMA-262, 6.1.6.1.20): 100, 1e-7, 10000000000000000, 0 for -0. Aborts when
// `value` is not finite.
void append_jcs_double(std::string& out, double value);

}  // namespace openexec
