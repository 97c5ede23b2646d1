// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "client/cli/daemon_call.h"
#include "client/cli/schema_text.h"

namespace openexec::cli {
namespace {

std::string action_text(const Json& action, std::size_t width) {
  std::string out = fmt::format("{:<{}}   {:<9}   {}\n", text_in(action, "name"), width, text_in(action, "effect"),
                                text_in(action, "description"));
  const Json* const schema = action.find("schema");
  const auto rows = schema != nullptr ? schema_rows(*schema) : std::vector<SchemaRow>();
  std::size_t member_width = 0;
  for (const SchemaRow& row : rows) {
    member_width = std::max(member_width, row.member.size());
  }
  for (const SchemaRow& row : rows) {
    out += row.member.empty() ? fmt::format("    {}\n", row.text)
                              : fmt::format("    {:<{}}   {}\n", row.member, member_width, row.text);
  }
  return out;
}

}  // namespace

Run set_up_actions(App& app) {
  app.footer(
      "Each action with what its payload holds. With --json it shows the schemas as they are.\n\nExample:\n  openexec "
      "actions");
  return [](const Globals& globals) {
    const Screen screen(globals);
    const auto answer = ask(globals, screen, "actions/list");
    if (!answer) {
      return answer.error();
    }
    const Json* member = answer->find("actions");
    const Json::Array* actions = member == nullptr ? nullptr : member->if_array();
    const std::string* registry = answer->find_string("registry");
    if (!screen.human() || actions == nullptr || registry == nullptr) {
      screen.document(*answer);
      return Exit::done;
    }
    std::size_t width = 16;
    for (const Json& action : *actions) {
      width = std::max(width, text_in(action, "name").size());
    }
    for (const Json& action : *actions) {
      screen.print(action_text(action, width));
    }
    screen.row("registry", shortened(*registry));
    return Exit::done;
  };
}

}  // namespace openexec::cli
