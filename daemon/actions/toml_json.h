// SPDX-License-Identifier: Apache-2.0
// A TOML value as JSON: whoever writes a schema in a TOML file means a JSON document.
#pragma once

#include <toml++/toml.h>

#include <cstddef>
#include <expected>
#include <map>
#include <string>

#include "proto-json/json.h"

namespace openexec {

// Where each value of the document stands in the file, by its JSON pointer as the schema's errors have it.
using PointerLines = std::map<std::string, std::size_t, std::less<>>;

struct TomlProblem {
  std::string pointer;
  std::string what;
};

// Refused: what JSON or its JCS form does not have: a date or time, a number that is not finite, an integer past 2^53;
// and what is nested so deep that an answer which holds it could not be read.
std::expected<Json, TomlProblem> json_of(const toml::node& node, PointerLines& lines);

}  // namespace openexec
