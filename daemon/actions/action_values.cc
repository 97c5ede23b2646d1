// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/action_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "daemon/actions/toml_json.h"
#include "daemon/config_values.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

using Status = std::expected<void, std::string>;
using Value = ActionValue;

std::unexpected<std::string> wrong(const Value& value, std::string_view what) {
  return std::unexpected(fmt::format("{}: {}", value.where, what));
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// The texts of a list; nothing when it is no list, or holds something else.
std::optional<std::vector<std::string>> texts_of(const toml::node& node) {
  const toml::array* const array = node.as_array();
  std::vector<std::string> out;
  for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
    auto one = (*array)[i].value_exact<std::string>();
    if (!one.has_value() || has_nul(*one)) {
      return std::nullopt;
    }
    out.push_back(*std::move(one));
  }
  return array != nullptr ? std::optional(std::move(out)) : std::nullopt;
}

Status read_name(const Value& value) {
  const auto name = value.node.value_exact<std::string>();
  if (!name.has_value() || !is_action_name(*name)) {
    return wrong(value, fmt::format("it must be 1 to {} of [A-Za-z0-9_.:-]", limits::action_bytes_max));
  }
  value.out.name = *name;
  return {};
}

Status read_description(const Value& value) {
  const auto text = value.node.value_exact<std::string>();
  if (!text.has_value() || text->empty() || text->size() > limits::description_bytes_max ||
      !has_no_control_characters(*text)) {
    return wrong(value, fmt::format("it must be one line of text, up to {} bytes", limits::description_bytes_max));
  }
  value.out.description = *text;
  return {};
}

// A placeholder is a whole argument. Braces anywhere else are refused, since they would be passed on as they are.
Status read_argument(const Value& value, const std::string& text) {
  const bool has_brace = text.find_first_of("{}") != std::string::npos;
  if (!has_brace) {
    value.out.command.argv.push_back({.is_placeholder = false, .text = text});
    return {};
  }
  constexpr std::string_view name_characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  const bool is_whole = text.size() > 2 && text.front() == '{' && text.back() == '}';
  const std::string name = is_whole ? text.substr(1, text.size() - 2) : std::string();
  if (name.empty() || name.find_first_not_of(name_characters) != std::string::npos) {
    return wrong(value, fmt::format("{} has a brace; a placeholder is one whole argument, {{name}} with a name of "
                                    "[A-Za-z0-9_.-], and braces are nothing else",
                                    quoted_name(text)));
  }
  value.out.command.argv.push_back({.is_placeholder = true, .text = name});
  return {};
}

Status read_argv(const Value& value) {
  const auto texts = texts_of(value.node);
  if (!texts.has_value() || texts->empty() || texts->size() > limits::arguments_max) {
    return wrong(value, fmt::format("it must be a list of 1 to {} texts without NUL", limits::arguments_max));
  }
  if (!texts->front().starts_with('/') || texts->front().find_first_of("{}") != std::string::npos) {
    return wrong(value,
                 fmt::format("the first is the absolute path of an executable, not {}", quoted_name(texts->front())));
  }
  for (const std::string& text : *texts) {
    if (auto status = read_argument(value, text); !status.has_value()) {
      return status;
    }
  }
  return {};
}

// One of two words.
template <typename T>
Status read_word(const Value& value, T& out, std::string_view first, T first_value, std::string_view second,
                 T second_value) {
  const auto word = value.node.value_exact<std::string>();
  if (word != first && word != second) {
    return wrong(value, fmt::format("it must be \"{}\" or \"{}\"", first, second));
  }
  out = word == first ? first_value : second_value;
  return {};
}

Status read_stdin(const Value& value) {
  return read_word(value, value.out.command.input, "payload", CommandInput::payload, "none", CommandInput::none);
}
Status read_output(const Value& value) {
  return read_word(value, value.out.command.output, "json", CommandOutput::json, "text", CommandOutput::text);
}
Status read_effect(const Value& value) {
  return read_word(value, value.out.effect, "effectful", Effect::effectful, "pure", Effect::pure);
}

Status read_timeout(const Value& value) {
  const auto text = value.node.value_exact<std::string>();
  const auto ms = text.has_value() ? duration_ms_of(*text) : std::nullopt;
  if (!ms.has_value() || *ms < 1 || *ms > limits::run_timeout_ms_max) {
    return wrong(value, R"(it must be a time from "1ms" to "24h", like "500ms", "30s" or "5m")");
  }
  value.out.command.timeout_ms = *ms;
  return {};
}

// A number, or a size like "64KiB".
std::optional<std::uint64_t> number_in(const toml::node& node, bool is_size, std::uint64_t least, std::uint64_t most) {
  std::optional<std::uint64_t> number;
  if (const auto integer = node.value_exact<std::int64_t>(); integer.has_value() && *integer >= 0) {
    number = static_cast<std::uint64_t>(*integer);
  } else if (const auto text = node.value_exact<std::string>(); text.has_value() && is_size) {
    number = size_bytes_of(*text);
  }
  return number.has_value() && *number >= least && *number <= most ? number : std::nullopt;
}

Status read_output_bytes_max(const Value& value) {
  const auto bytes = number_in(value.node, true, 1, limits::command_output_bytes_max_ceiling);
  if (!bytes.has_value()) {
    return wrong(value,
                 fmt::format("it must be a size from 1 to {}, in bytes", limits::command_output_bytes_max_ceiling));
  }
  value.out.command.output_bytes_max = *bytes;
  return {};
}

Status read_sha256(const Value& value) {
  const auto text = value.node.value_exact<std::string>();
  Hash hash;
  if (!text.has_value() || !decode_hex(*text, hash.data)) {
    return wrong(value, "it must be 64 lower-case hexadecimal digits, as sha256sum writes them");
  }
  value.out.command.sha256 = hash;
  return {};
}

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) { return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  return !name.empty() && is_letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

// Variables and a text for each, into `out`.
Status read_variables(const Value& value, std::string_view section, std::map<std::string, std::string>& out) {
  const toml::table* const table = value.node.as_table();
  if (table == nullptr) {
    return wrong(value, "it must be a table, like { NAME = \"text\" }");
  }
  for (const auto& [key, node] : *table) {
    const std::string name(key.str());
    if (!is_variable_name(name)) {
      return wrong(value, fmt::format("{} is no name of a variable: [A-Za-z_][A-Za-z0-9_]*", quoted_name(name)));
    }
    const std::string full = fmt::format("{}.{}", section, name);
    value.out.lines.emplace(full, key.source().begin.line);
    const std::string where = value.out.at(full);
    if (name == "TMPDIR") {
      return std::unexpected(where + ": each run gets a temporary folder of its own as TMPDIR; leave it out");
    }
    if (value.out.command.env.contains(name) || value.out.command.secrets.contains(name)) {
      return std::unexpected(where + ": it stands in env and in secrets; leave one of them out");
    }
    const auto text = node.value_exact<std::string>();
    if (!text.has_value() || has_nul(*text)) {
      return std::unexpected(where + ": it must be a text without NUL");
    }
    out.emplace(name, *text);
  }
  if (value.out.command.env.size() + value.out.command.secrets.size() > limits::environment_max) {
    return wrong(value, fmt::format("env and secrets have more than {} variables", limits::environment_max));
  }
  return {};
}

Status read_env(const Value& value) { return read_variables(value, "env", value.out.command.env); }
Status read_secrets(const Value& value) { return read_variables(value, "secrets", value.out.command.secrets); }

Status read_concurrency(const Value& value) {
  const auto count = number_in(value.node, false, 1, limits::concurrency_ceiling);
  if (!count.has_value()) {
    return wrong(value, fmt::format("it must be a number from 1 to {}", limits::concurrency_ceiling));
  }
  value.out.concurrency = *count;
  return {};
}

Status read_schema(const Value& value) {
  if (value.node.as_table() == nullptr) {
    return wrong(value, "it must be a table: write [schema]");
  }
  auto schema = json_of(value.node, value.out.schema_lines);
  if (!schema.has_value()) {
    return std::unexpected(fmt::format("{}: {}", value.out.at_schema(schema.error().pointer), schema.error().what));
  }
  value.out.schema = *std::move(schema);
  return {};
}

Status read_paths(const Value& value, std::vector<std::string>& out) {
  const auto paths = texts_of(value.node);
  if (!paths.has_value() || paths->size() > limits::sandbox_paths_max) {
    return wrong(value, fmt::format("it must be a list of up to {} paths", limits::sandbox_paths_max));
  }
  for (const std::string& path : *paths) {
    if (!path.starts_with('/')) {
      return wrong(value, fmt::format("{} is no absolute path", quoted_name(path)));
    }
  }
  out = *paths;
  return {};
}

Status read_read(const Value& value) { return read_paths(value, value.out.command.sandbox.read); }
Status read_write(const Value& value) { return read_paths(value, value.out.command.sandbox.write); }

Status read_truth(const Value& value, bool& out) {
  const auto truth = value.node.value_exact<bool>();
  if (!truth.has_value()) {
    return wrong(value, "it must be true or false");
  }
  out = *truth;
  return {};
}

Status read_network(const Value& value) { return read_truth(value, value.out.command.sandbox.network); }
Status read_unix(const Value& value) { return read_truth(value, value.out.command.sandbox.unix_sockets); }

Status read_memory(const Value& value) {
  const auto bytes =
      number_in(value.node, true, limits::sandbox_memory_bytes_floor, limits::sandbox_memory_bytes_ceiling);
  if (!bytes.has_value()) {
    return wrong(value, fmt::format("it must be a size like \"256MiB\", from {} to {} bytes",
                                    limits::sandbox_memory_bytes_floor, limits::sandbox_memory_bytes_ceiling));
  }
  value.out.command.sandbox.memory_bytes_max = bytes;
  return {};
}

Status read_processes(const Value& value) {
  const auto count = number_in(value.node, false, 1, limits::sandbox_processes_ceiling);
  if (!count.has_value()) {
    return wrong(value, fmt::format("it must be a number from 1 to {}", limits::sandbox_processes_ceiling));
  }
  value.out.command.sandbox.processes_max = static_cast<std::uint32_t>(*count);
  return {};
}

constexpr ActionKey keys[] = {
    {"", "name", read_name, true},
    {"", "description", read_description, true},
    {"", "argv", read_argv, true},
    {"", "stdin", read_stdin},
    {"", "output", read_output},
    {"", "timeout", read_timeout},
    {"", "output_bytes_max", read_output_bytes_max},
    {"", "sha256", read_sha256},
    {"", "env", read_env},
    {"", "secrets", read_secrets},
    {"", "concurrency", read_concurrency},
    {"", "effect", read_effect},
    {"", "schema", read_schema},
    {sandbox_section, "read", read_read},
    {sandbox_section, "write", read_write},
    {sandbox_section, "network", read_network},
    {sandbox_section, "unix", read_unix},
    {sandbox_section, "memory", read_memory},
    {sandbox_section, "processes", read_processes},
};

}  // namespace

std::span<const ActionKey> action_keys() { return keys; }

}  // namespace openexec
