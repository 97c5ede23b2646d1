// SPDX-License-Identifier: Apache-2.0
#include "tests/support/commands.h"

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "proto-json/canonical.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

void write_owned(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

}  // namespace

Commands::Commands() {
  for (const char* folder : {"actions.d", "out"}) {
    fs::create_directory(dir_ / folder);
    fs::permissions(dir_ / folder, fs::perms::owner_all);
  }
  write_owned(dir_ / "openexec.toml", "[sandbox]\nrequired = true\n");
}

void Commands::define(std::string_view name, std::string_view keys) const {
  const std::string file = std::string(name) + ".toml";
  std::string text = "name = \"" + std::string(name) + "\"\ndescription = \"A test\"\n";
  write_owned(dir_ / "actions.d" / file, text += keys);
}

void Commands::define_shell(std::string_view name, std::string_view script, std::string_view more_keys) const {
  define(name, "argv = [\"/usr/bin/sh\", \"-c\", '''" + std::string(script) + "''']\n" + std::string(more_keys));
}

void Commands::define_python(std::string_view name, std::string_view script, std::string_view more_keys) const {
  const std::string path = dir_ / (std::string(name) + ".py");
  constexpr std::string_view place = "OUT";
  std::string text(script);
  for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place)) {
    text.replace(at, place.size(), writable().string());
  }
  write_owned(path, text);
  std::string keys = "argv = [\"/usr/bin/python3\", \"-I\", \"-S\", \"" + path + "\"]\n" + std::string(more_keys);
  if (keys.find("[sandbox]") == std::string::npos) {
    keys += "\n[sandbox]\n";
  }
  define(name, keys + "\nread = [\"/usr\", \"" + path + "\"]\nwrite = [\"" + writable().string() + "\"]\n");
}

DaemonOptions Commands::with(DaemonOptions options) const {
  options.args.insert(options.args.end(), {"--config", (dir_ / "openexec.toml").string()});
  return options;
}

Json command_result_of(const Answer& answer, std::string_view status) {
  INFO(to_compact(answer.reply));
  REQUIRE(string_member(answer.result(), "status") == status);
  return member(answer.result(), "result");
}

std::string output_of(const Answer& answer, std::string_view status) {
  return string_member(command_result_of(answer, status), "stdout");
}

Json text_payload(std::string_view name, std::string_view text) { return Json::object({{std::string(name), text}}); }

bool wait_until(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + generous_deadline;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

std::string wait_for_file(const fs::path& path) {
  std::error_code error;
  if (!wait_until([&] { return fs::file_size(path, error) > 0 && !error; })) {
    throw std::runtime_error("nobody wrote " + path.string());
  }
  return read_file(path);
}

bool wait_until_gone(pid_t pid) {
  return wait_until([&] {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string stat;
    std::getline(file, stat);
    const std::size_t name_end = stat.rfind(')');
    return name_end == std::string::npos || name_end + 2 >= stat.size() || stat[name_end + 2] == 'Z';
  });
}

}  // namespace openexec::test
