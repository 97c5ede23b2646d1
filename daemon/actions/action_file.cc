// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/action_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/actions/action_values.h"
#include "daemon/toml_file.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

using Status = std::expected<void, std::string>;

std::string full_name(std::string_view section, std::string_view name) {
  return section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
}

Status read_table(const toml::table& table, std::string_view section, ActionFile& out) {
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    const auto keys = action_keys();
    const auto known = std::ranges::find_if(
        keys, [&](const ActionKey& candidate) { return candidate.section == section && candidate.name == name; });
    Status status;
    if (section.empty() && name == sandbox_section) {
      out.lines.emplace(name, key.source().begin.line);
      const toml::table* const inner = node.as_table();
      status = inner != nullptr ? read_table(*inner, name, out)
                                : std::unexpected(out.at(name) + ": it must be a section: write [sandbox]");
    } else if (known == keys.end()) {
      status = std::unexpected(fmt::format("{}:{}: {} is no key of this release; correct or remove it", out.path,
                                           key.source().begin.line, quoted_name(full_name(section, name))));
    } else {
      const std::string full = full_name(section, name);
      out.lines.emplace(full, key.source().begin.line);
      status = known->read({node, out.at(full), out});
    }
    if (!status.has_value()) {
      return status;
    }
  }
  return {};
}

Status read_definition(const toml::table& table, ActionFile& out) {
  if (auto status = read_table(table, "", out); !status.has_value()) {
    return status;
  }
  for (const ActionKey& key : action_keys()) {
    if (key.is_required && !out.lines.contains(key.name)) {
      return std::unexpected(fmt::format("{}: it is missing; every command has one", out.at(key.name)));
    }
  }
  return {};
}

}  // namespace

std::string ActionFile::at(std::string_view key) const {
  const auto found = lines.find(key);
  return found != lines.end() ? fmt::format("{}:{}: {}", path, found->second, key) : fmt::format("{}: {}", path, key);
}

std::string ActionFile::at_schema(std::string_view pointer) const {
  std::string_view prefix = pointer;
  auto found = schema_lines.find(prefix);
  while (found == schema_lines.end() && !prefix.empty()) {
    const std::size_t slash = prefix.find_last_of('/');
    prefix = prefix.substr(0, slash == std::string_view::npos ? 0 : slash);
    found = schema_lines.find(prefix);
  }
  return found != schema_lines.end() ? fmt::format("{}:{}: schema{}", path, found->second, pointer)
                                     : fmt::format("{}: schema{}", path, pointer);
}

std::expected<ActionFile, std::string> read_action_file(std::string_view text, const std::string& path) {
  const auto table = parse_toml(text, path);
  if (!table.has_value()) {
    return std::unexpected(table.error());
  }
  ActionFile out;
  out.path = path;
  auto status = read_definition(*table, out);
  return status.has_value() ? std::expected<ActionFile, std::string>(std::move(out)) : std::unexpected(status.error());
}

std::vector<std::string> action_file_keys() {
  std::vector<std::string> out;
  for (const ActionKey& key : action_keys()) {
    out.push_back(full_name(key.section, key.name));
  }
  return out;
}

}  // namespace openexec
