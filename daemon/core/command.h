// SPDX-License-Identifier: Apache-2.0
// A command: an action that an operator defined in a file and that runs as a process of its own (docs/actions.md). What
// is said of it here is what its file says; the descriptor of its executable and the values of its secrets are
// elsewhere (daemon/io/command_resources.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/json.h"
#include "proto-json/limits.h"

namespace openexec {

// One argument of a command line: fixed, or the payload's member of that name as one whole argument.
struct Argument {
  bool is_placeholder = false;
  std::string text;  // as it stands, or the member's name without its braces
  bool operator==(const Argument&) const = default;
};

enum class CommandInput { payload, none };  // on standard input: the payload's compact seed form, or nothing
enum class CommandOutput { json, text };    // how standard output becomes the result

// What the process may do beyond computing. Absolute paths.
struct SandboxRules {
  std::vector<std::string> read = {"/usr"};  // files to read and execute, folders with all below them
  std::vector<std::string> write;            // and to read, create and remove, but not to execute
  bool network = false;                      // IPv4 and IPv6
  bool unix_sockets = false;
  std::optional<std::uint64_t> memory_bytes_max;
  std::optional<std::uint32_t> processes_max;  // needs a delegated cgroup
};

struct Command {
  std::vector<Argument> argv;  // the first is fixed: the absolute path of the executable
  CommandInput input = CommandInput::payload;
  CommandOutput output = CommandOutput::text;
  std::int64_t timeout_ms = limits::run_timeout_ms;
  std::size_t output_bytes_max = limits::command_output_bytes_max;
  std::optional<Hash> sha256;                  // of the executable
  std::map<std::string, std::string> env;      // all of it but for TMPDIR and the secrets
  std::map<std::string, std::string> secrets;  // variable → the credential's name
  SandboxRules sandbox;

  [[nodiscard]] const std::string& executable() const { return argv.front().text; }
};

// Every setting of it, defaults included, for the registry's digest.
Json to_json(const Command& command);

// Why the arguments cannot be made of this payload, as "POINTER: what"; nothing when they can: a value that has a NUL
// or is too long, or that begins with '-' and could be taken for an option (unless a fixed "--" stands before it
// with nothing but placeholders between, or the schema lists it by enum or const).
std::optional<std::string> arguments_objection(const Command& command, const Json& schema, const Json& payload);
// The whole command line. There is no objection against the payload.
std::vector<std::string> arguments_of(const Command& command, const Json& payload);

}  // namespace openexec
