// SPDX-License-Identifier: Apache-2.0
#include "client/cli/command.h"

#include <CLI/CLI.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "proto-json/check.h"

namespace openexec::cli {

Option& Option::required(bool is_required) {
  option_->required(is_required);
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Option& Option::shows_default() {
  option_->capture_default_str();
  return *this;
}

template <typename T>
Option App::add_option(const std::string& names, T& value, const std::string& help) {
  CLI::Option* option = app_->add_option(names, value, help);
  if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    option->take_all()->expected(1);
  }
  return Option(*option);
}

// All that there are: another one is an error of the linker.
template Option App::add_option(const std::string&, std::string&, const std::string&);
template Option App::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option App::add_option(const std::string&, std::uint64_t&, const std::string&);
template Option App::add_option(const std::string&, std::optional<std::uint64_t>&, const std::string&);
template Option App::add_option(const std::string&, std::optional<std::int64_t>&, const std::string&);

Option App::add_flag(const std::string& names, bool& value, const std::string& help) {
  return Option(*app_->add_flag(names, value, help));
}

void App::footer(const std::string& text) { app_->footer(text); }

Run set_up_one_of(App& app, std::span<const Command> commands) {
  CLI::App& parser = app.parser();
  std::vector<std::pair<CLI::App*, Run>> runs;
  for (const Command& command : commands) {
    CLI::App* subcommand = parser.add_subcommand(std::string(command.name), std::string(command.help));
    subcommand->fallthrough();  // so that --socket and the like may stand after it, too
    App own(*subcommand);
    runs.emplace_back(subcommand, command.set_up(own));
  }
  parser.require_subcommand(1);
  return [runs = std::move(runs)](const Globals& globals) {
    for (const auto& [subcommand, run] : runs) {
      if (subcommand->parsed()) {
        return run(globals);
      }
    }
    OPENEXEC_CHECK(false);  // the parser wants one
    return Exit::usage;
  };
}

}  // namespace openexec::cli
