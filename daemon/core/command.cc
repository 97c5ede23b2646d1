// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/command.h"

#include <algorithm>

#include "daemon/core/schema_node.h"
#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "proto-json/encoding.h"

namespace openexec {
namespace {

constexpr std::string_view end_of_options = "--";

std::string_view to_text(CommandInput input) {
  switch (input) {
    case CommandInput::payload:
      return "payload";
    case CommandInput::none:
      return "none";
  }
  return "";
}

std::string_view to_text(CommandOutput output) {
  switch (output) {
    case CommandOutput::json:
      return "json";
    case CommandOutput::text:
      return "text";
  }
  return "";
}

// A placeholder is an object, so that no fixed argument looks like it.
Json to_json(const Argument& argument) {
  return argument.is_placeholder ? Json::object({{"placeholder", argument.text}}) : Json(argument.text);
}

template <typename T>
Json list(const std::vector<T>& items) {
  Json::Array out;
  for (const T& item : items) {
    if constexpr (std::is_same_v<T, Argument>) {
      out.push_back(to_json(item));
    } else {
      out.emplace_back(item);
    }
  }
  return out;
}

Json object(const std::map<std::string, std::string>& entries) {
  std::vector<Member> out;
  for (const auto& [key, value] : entries) {
    out.push_back({key, value});
  }
  return Json::object(std::move(out));
}

// Every one of these is bounded far below 2^53.
template <typename T>
Json number(const std::optional<T>& value) {
  return value.has_value() ? Json(static_cast<std::int64_t>(*value)) : Json(nullptr);
}

Json to_json(const SandboxRules& rules) {
  return Json::object({{"memory", number(rules.memory_bytes_max)},
                       {"network", rules.network},
                       {"processes", number(rules.processes_max)},
                       {"read", list(rules.read)},
                       {"unix", rules.unix_sockets},
                       {"write", list(rules.write)}});
}

// A scalar as one argument; nothing for any other value.
std::optional<std::string> argument_text(const Json& value) {
  if (const auto* const text = value.if_string()) {
    return *text;
  }
  const bool is_scalar = value.if_bool() != nullptr || value.if_int() != nullptr || value.if_double() != nullptr;
  return is_scalar ? std::optional(to_compact(value)) : std::nullopt;
}

// Whether the schema names this very value for that member.
bool is_listed(const Json& schema, const std::string& name, const Json& value) {
  const Json* const properties = schema.find("properties");
  const Json* const property = properties != nullptr ? properties->find(name) : nullptr;
  if (property == nullptr) {
    return false;
  }
  if (const Json* const constant = property->find("const"); constant != nullptr && *constant == value) {
    return true;
  }
  const Json* const listed = property->find("enum");
  const Json::Array* const values = listed != nullptr ? listed->if_array() : nullptr;
  return values != nullptr && std::find(values->begin(), values->end(), value) != values->end();
}

// Of the environment, with each secret as long as it may be.
std::size_t environment_bytes(const Command& command) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : command.env) {
    bytes += name.size() + value.size() + 2;  // '=' and NUL
  }
  for (const auto& [name, credential] : command.secrets) {
    bytes += name.size() + limits::secret_bytes_max + 2;
  }
  return bytes;
}

}  // namespace

Json to_json(const Command& command) {
  return Json::object({{"argv", list(command.argv)},
                       {"env", object(command.env)},
                       {"output", to_text(command.output)},
                       {"output_bytes_max", static_cast<std::int64_t>(command.output_bytes_max)},
                       {"sandbox", to_json(command.sandbox)},
                       {"secrets", object(command.secrets)},
                       {"sha256", command.sha256.has_value() ? Json(to_hex(command.sha256->view())) : Json(nullptr)},
                       {"stdin", to_text(command.input)},
                       {"timeout_ms", command.timeout_ms}});
}

std::optional<std::string> arguments_objection(const Command& command, const Json& schema, const Json& payload) {
  std::size_t bytes = environment_bytes(command);
  bool options_ended = false;
  for (const Argument& argument : command.argv) {
    if (!argument.is_placeholder) {
      options_ended = argument.text == end_of_options;  // of the program whose arguments these are
      bytes += argument.text.size() + 1;
      continue;
    }
    const std::string pointer = pointer_step(argument.text);
    const Json* const value = payload.find(argument.text);
    const auto text = value != nullptr ? argument_text(*value) : std::nullopt;
    if (!text.has_value()) {
      return pointer + ": it becomes an argument, so it must be there as a text, a number, true or false";
    }
    if (text->find('\0') != std::string::npos) {
      return pointer + ": it becomes an argument, so it cannot hold a NUL";
    }
    if (text->size() > limits::argument_bytes_max) {
      return pointer + ": it becomes an argument, so it can have " + std::to_string(limits::argument_bytes_max) +
             " bytes at most";
    }
    if (text->starts_with('-') && !options_ended && !is_listed(schema, argument.text, *value)) {
      return pointer + ": it becomes an argument, and one that begins with '-' could be taken for an option";
    }
    bytes += text->size() + 1;
  }
  return bytes > limits::arguments_bytes_max
             ? std::optional("the payload: the arguments and the environment have more than " +
                             std::to_string(limits::arguments_bytes_max) + " bytes together")
             : std::nullopt;
}

std::vector<std::string> arguments_of(const Command& command, const Json& payload) {
  std::vector<std::string> out;
  out.reserve(command.argv.size());
  for (const Argument& argument : command.argv) {
    if (!argument.is_placeholder) {
      out.push_back(argument.text);
      continue;
    }
    const Json* const value = payload.find(argument.text);
    OPENEXEC_CHECK(value != nullptr);
    auto text = argument_text(*value);
    OPENEXEC_CHECK(text.has_value());
    out.push_back(*std::move(text));
  }
  return out;
}

}  // namespace openexec
