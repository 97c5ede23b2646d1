// SPDX-License-Identifier: Apache-2.0
// The file that defines a command: TOML (docs/actions.md). An unknown key is an error: a bound that is not kept must
// not look as if it were.
#pragma once

#include <cstddef>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/command.h"
#include "daemon/core/registry.h"
#include "proto-json/json.h"

namespace openexec {

// What one file says, read strictly but not yet held against its schema, the file system or other files.
struct ActionFile {
  std::string path;
  std::string name;
  std::string description;
  Effect effect = Effect::effectful;
  std::size_t concurrency = 1;
  Command command;
  Json schema;  // as it stands there; null where there is none
  // Lines of its keys: "argv", "sandbox.read", "secrets.TOKEN".
  std::map<std::string, std::size_t, std::less<>> lines;
  // Of each value in the schema, by JSON pointer.
  std::map<std::string, std::size_t, std::less<>> schema_lines;

  // "PATH:LINE: KEY", with which errors begin; "PATH: KEY" where the key does not stand there.
  [[nodiscard]] std::string at(std::string_view key) const;
  // "PATH:LINE: schema/properties/x", the line that of the deepest part that stands there.
  [[nodiscard]] std::string at_schema(std::string_view pointer) const;
};

// The error is one line that names file, line and key, and says what to change.
std::expected<ActionFile, std::string> read_action_file(std::string_view text, const std::string& path);

// Every key there is, as "section.name"; "env" and "secrets" for all that stand in them.
std::vector<std::string> action_file_keys();

}  // namespace openexec
