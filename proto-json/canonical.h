// SPDX-License-Identifier: Apache-2.0
// The canonical forms of JSON (docs/formats.md, "Canonical JSON"): one text for each value.
//
// seed form: what CPython's json.dumps(value, sort_keys=True) writes: members by code point, ASCII-escaped, floats as
//   repr() prints them. `compact` has "," and ":" as separators, `spaced` ", " and ": ".
// JCS: RFC 8785: members by UTF-16 code unit, UTF-8 unescaped but for what must be, numbers as ECMAScript prints them.
//
// JCS has doubles only: integers past 2^53 lose digits, and a number from 2^63 up to 1e21 becomes an integer text that
// parse_json() refuses. Our own documents hold neither.
//
// What parse_json() gave is always fit for these. They abort on what has no JSON text: a string that is not UTF-8, a
// double that is not finite. Who builds a Json of other bytes or sums checks that first (has_canonical_form()).
#pragma once

#include <string>
#include <string_view>

#include "proto-json/json.h"

namespace openexec {

// False for what has no JSON text.
bool has_canonical_form(const Json& value);

std::string to_compact(const Json& value);
std::string to_spaced(const Json& value);
std::string to_jcs(const Json& value);

// The same, appended: for callers that build one text of several pieces.
void append_compact(std::string& out, const Json& value);
// One string as a JSON string in seed form, quotes included.
void append_seed_string(std::string& out, std::string_view text);
// The same in JCS form.
void append_jcs_string(std::string& out, std::string_view text);

}  // namespace openexec
