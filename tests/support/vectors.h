// SPDX-License-Identifier: Apache-2.0
// The files of tests/vectors, and the members of what is in them. Whatever is not as it must be fails the test.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "proto-json/json.h"

namespace openexec {

// The whole of a file.
std::string read_file(const std::filesystem::path& path);

// A JSON text that must be good, as a value.
Json parsed(std::string_view text);

// tests/vectors/NAME.json
Json vectors(std::string_view name);
// The array `cases` of tests/vectors/NAME.json; at least one case.
Json::Array vector_cases(std::string_view name);

const Json& member(const Json& object, std::string_view key);
const std::string& string_member(const Json& object, std::string_view key);
bool bool_member(const Json& object, std::string_view key);

}  // namespace openexec
