// SPDX-License-Identifier: Apache-2.0
// The keys of a command's file, and how each is read.
#pragma once

#include <toml++/toml.h>

#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "daemon/actions/action_file.h"

namespace openexec {

// One key's value, on its way into the file's definition.
struct ActionValue {
  const toml::node& node;
  std::string where;  // "FILE:LINE: KEY"
  ActionFile& out;
};

struct ActionKey {
  std::string_view section;  // empty: the top level
  std::string_view name;
  std::expected<void, std::string> (*read)(const ActionValue&);
  bool is_required = false;
};

inline constexpr std::string_view sandbox_section = "sandbox";

std::span<const ActionKey> action_keys();

}  // namespace openexec
