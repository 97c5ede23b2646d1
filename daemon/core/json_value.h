// SPDX-License-Identifier: Apache-2.0
// JSON values as JSON Schema compares them: a number is its mathematical value, whether it was written 1 or 1.0.
// Everything is exact: no 64-bit integer is rounded to a double.
#pragma once

#include <compare>
#include <string>

#include "proto-json/json.h"

namespace openexec {

bool is_number(const Json& value);
// A number without a fraction: 1, 1.0, 1e300.
bool is_integer(const Json& value);
// Both are numbers.
std::partial_ordering compare_numbers(const Json& a, const Json& b);
// Both are numbers, the divisor is above 0. A double counts as the shortest decimal that reads back as the same one,
// which is what its author wrote: 0.07 is a multiple of 0.01, though their binary values are not.
bool is_multiple_of(const Json& value, const Json& divisor);

// One text for each value: two are equal exactly when these are. In time linear in the value's size.
std::string value_key(const Json& value);

}  // namespace openexec
