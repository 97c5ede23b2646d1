// SPDX-License-Identifier: Apache-2.0
#include "daemon/config_file.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

#include "daemon/config_values.h"
#include "daemon/toml_file.h"
#include "proto-json/limits.h"

namespace openexec {
namespace {

using Status = std::expected<void, std::string>;

// One key's value, on its way into the settings.
struct Value {
  const toml::node& node;
  std::string where;  // "FILE:LINE: KEY"
  Settings& out;

  [[nodiscard]] std::unexpected<std::string> wrong(std::string_view wanted) const {
    return std::unexpected(fmt::format("{} must be {}", where, wanted));
  }
};

template <typename T>
Status keep(const Value& value, Setting<T> Settings::* member, T what) {
  value.out.*member = Said<T>{std::move(what), value.where};
  return {};
}

template <auto member>
Status text(const Value& value) {
  const auto found = value.node.value_exact<std::string>();
  return found.has_value() && !found->empty() ? keep(value, member, *found) : value.wrong("a text that is not empty");
}

template <auto member>
Status texts(const Value& value) {
  const toml::array* array = value.node.as_array();
  Texts out;
  for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
    const auto one = (*array)[i].value_exact<std::string>();
    if (!one.has_value()) {
      return value.wrong("a list of texts");
    }
    out.push_back(*one);
  }
  return array != nullptr ? keep(value, member, std::move(out)) : value.wrong("a list of texts");
}

template <auto member>
Status truth(const Value& value) {
  const auto found = value.node.value_exact<bool>();
  return found.has_value() ? keep(value, member, *found) : value.wrong("true or false");
}

template <auto member>
Status ids(const Value& value) {
  const toml::array* array = value.node.as_array();
  Ids out;
  for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
    const auto one = (*array)[i].value_exact<std::int64_t>();
    if (!one.has_value() || *one < 0 || *one >= std::numeric_limits<std::uint32_t>::max()) {
      return value.wrong("a list of numeric user or group ids");
    }
    out.push_back(static_cast<std::uint32_t>(*one));
  }
  return array != nullptr ? keep(value, member, std::move(out)) : value.wrong("a list of numeric user or group ids");
}

template <auto member>
Status file_mode(const Value& value) {
  const auto found = value.node.value_exact<std::string>();
  const auto mode = found.has_value() ? file_mode_of(*found) : std::nullopt;
  return mode.has_value() ? keep(value, member, *mode) : value.wrong("an octal text like \"0660\"");
}

// A number within bounds, or a text that `read` understands.
template <auto member, auto read, auto least, auto most>
Status quantity(const Value& value, std::string_view form) {
  std::optional<std::int64_t> number;
  if constexpr (!std::is_same_v<decltype(read), decltype(&duration_s_of)>) {
    number = value.node.value_exact<std::int64_t>();  // a bare number has no unit, so it is no duration
  }
  if constexpr (!std::is_same_v<decltype(read), std::nullptr_t>) {
    if (const auto written = value.node.value_exact<std::string>(); written.has_value()) {
      if (const auto found = read(*written); found.has_value()) {
        number = static_cast<std::int64_t>(*found);
      }
    }
  }
  if (!number.has_value() || *number < static_cast<std::int64_t>(least) || *number > static_cast<std::int64_t>(most)) {
    return value.wrong(fmt::format("{} from {} to {}", form, least, most));
  }
  using Number = decltype((value.out.*member)->value);
  return keep(value, member, static_cast<Number>(*number));
}

template <auto member, auto least, auto most>
Status count(const Value& value) {
  return quantity<member, nullptr, least, most>(value, "a number");
}
template <auto member, auto least, auto most>
Status size(const Value& value) {
  return quantity<member, &size_bytes_of, least, most>(value, "a size like \"64MiB\", in bytes");
}
template <auto member, auto least, auto most>
Status duration(const Value& value) {
  return quantity<member, &duration_s_of, least, most>(value, "a time like \"30s\", \"5m\" or \"24h\", in seconds");
}
template <auto member, auto least, auto most>
Status percent(const Value& value) {
  return quantity<member, &percent_of, least, most>(value, "a share like \"80%\"");
}

struct Key {
  std::string_view section;  // empty: the top level
  std::string_view name;
  Status (*read)(const Value&);
};

constexpr Key keys[] = {
    {"", "mode", text<&Settings::mode>},
    {"", "tenant_id", text<&Settings::tenant_id>},
    {"", "allowed_actions", texts<&Settings::allowed_actions>},
    {"", "db_url", text<&Settings::db_url>},
    {"socket", "path", text<&Settings::socket_path>},
    {"socket", "mode", file_mode<&Settings::socket_mode>},
    {"socket", "allow_uids", ids<&Settings::allow_uids>},
    {"socket", "allow_gids", ids<&Settings::allow_gids>},
    {"approval", "keys", text<&Settings::approval_keys>},
    {"approval", "clock_skew", duration<&Settings::clock_skew_s, 0, limits::clock_skew_s_max>},
    {"approval", "lifetime_max", duration<&Settings::lifetime_s_max, 1, limits::approval_lifetime_s_ceiling>},
    {"approval", "formats", texts<&Settings::formats>},
    {"log", "origin", text<&Settings::origin>},
    {"log", "reader_uids", ids<&Settings::reader_uids>},
    {"log", "key", text<&Settings::log_key>},
    {"log", "witnesses", texts<&Settings::witnesses>},
    {"actions", "dir", text<&Settings::actions_dir>},
    {"sandbox", "required", truth<&Settings::sandbox_required>},
    {"limits", "line_bytes_max",
     size<&Settings::line_bytes_max, limits::line_bytes_max_floor, limits::line_bytes_max_ceiling>},
    {"limits", "in_flight_per_connection",
     count<&Settings::in_flight_per_connection, 1, limits::in_flight_per_connection_ceiling>},
    {"limits", "connections_max", count<&Settings::connections_max, 1, limits::connections_max_ceiling>},
    {"limits", "backlog", count<&Settings::backlog, 1, limits::backlog_ceiling>},
    {"limits", "runs_max", count<&Settings::runs_max, 1, limits::runs_max_ceiling>},
    {"limits", "queued_max", count<&Settings::queued_max, 0, limits::queued_max_ceiling>},
    {"limits", "requests_per_second_per_uid",
     count<&Settings::requests_per_second, 0, limits::requests_per_second_ceiling>},
    {"limits", "denied_entries_per_second",
     count<&Settings::denied_entries_per_second, 0, limits::denied_entries_per_second_ceiling>},
    {"store", "map_size",
     size<&Settings::map_size_bytes, limits::map_size_bytes_floor, limits::map_size_bytes_ceiling>},
    {"store", "warn_at", percent<&Settings::warn_percent, 1, limits::store_full_percent>},
    {"store", "high_water", text<&Settings::high_water>},
};

std::string full_name(std::string_view section, std::string_view name) {
  return section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
}

Status read_table(const toml::table& table, std::string_view section, const std::string& file, Settings& out) {
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    const auto where = fmt::format("{}:{}: {}", file, key.source().begin.line, full_name(section, name));
    const bool is_section = section.empty() && std::any_of(std::begin(keys), std::end(keys), [&](const Key& known) {
                              return known.section == name && !name.empty();
                            });
    Status status;
    if (is_section) {
      const toml::table* inner = node.as_table();
      status = inner != nullptr ? read_table(*inner, name, file, out)
                                : std::unexpected(fmt::format("{} must be a section: write [{}]", where, name));
    } else {
      const auto* known = std::find_if(std::begin(keys), std::end(keys), [&](const Key& candidate) {
        return candidate.section == section && candidate.name == name;
      });
      status = known != std::end(keys)
                   ? known->read({node, where, out})
                   : std::unexpected(fmt::format("{} is no key of this release; correct or remove it", where));
    }
    if (!status.has_value()) {
      return status;
    }
  }
  return {};
}

}  // namespace

std::expected<Settings, std::string> read_config(std::string_view text, const std::string& file) {
  const auto table = parse_toml(text, file);
  if (!table.has_value()) {
    return std::unexpected(table.error());
  }
  Settings out;
  auto status = read_table(*table, "", file, out);
  return status.has_value() ? std::expected<Settings, std::string>(std::move(out)) : std::unexpected(status.error());
}

std::vector<std::string> config_keys() {
  std::vector<std::string> out;
  for (const Key& key : keys) {
    out.push_back(full_name(key.section, key.name));
  }
  return out;
}

}  // namespace openexec
