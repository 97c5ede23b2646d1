// SPDX-License-Identifier: Apache-2.0
// A configuration to load.
#pragma once

#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/config.h"
#include "proto-json/crypto.h"
#include "proto-json/pem.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace openexec::test {

inline SecretKey key_of(std::uint8_t byte) {
  init_crypto();
  std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
  seed.fill(byte);
  return SecretKey::from_seed(seed);
}
inline std::string public_pem(std::uint8_t byte) { return to_public_key_pem(key_of(byte).public_key()); }

// A configuration to load, and a folder for its files.
struct Given {
  Given() {
    around.env = [this](const char* name) {
      const auto at = env.find(name);
      return at != env.end() ? std::optional(at->second) : std::nullopt;
    };
    around.uid = 1000;
    around.hostname = "vm1";
    around.system_config = (dir / "system.toml").string();
    around.kernel = {.landlock_abi = 6, .seccomp = true};
    env["HOME"] = "/home/somebody";
  }

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = dir / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    REQUIRE(chmod(path.c_str(), 0644) == 0);  // whatever the umask is
    REQUIRE(chmod(std::filesystem::path(path).parent_path().c_str(), 0755) == 0);
    return path;
  }
  void config_file(const std::string& text) { flags.config = write("test.toml", text); }
  // A file that defines an action, beside the configuration file.
  void action(const std::string& name, const std::string& text) {
    if (!flags.config.has_value()) {
      config_file("");
    }
    write("actions.d/" + name, text);
  }
  void clawshield() {
    env["OPENEXEC_MODE"] = "clawshield";
    env["CLAWSHIELD_TENANT_ID"] = "acme";
    env["CLAWSHIELD_PUBLIC_KEY"] = public_pem(1);
  }

  [[nodiscard]] Config load() {
    registry = Registry();
    add_builtins(registry);
    auto config = load_config(flags, around, registry);
    if (!config.has_value()) {
      FAIL(config.error());
    }
    return *std::move(config);
  }
  // The refusal must be one line that holds each of these.
  void refused(const std::vector<std::string>& parts) {
    const std::string refusal = error();
    INFO(refusal);
    CHECK(refusal.find('\n') == std::string::npos);
    for (const std::string& part : parts) {
      INFO("lacks: " << part);
      CHECK(refusal.find(part) != std::string::npos);
    }
  }
  [[nodiscard]] std::string error() {
    registry = Registry();
    add_builtins(registry);
    const auto config = load_config(flags, around, registry);
    REQUIRE_FALSE(config.has_value());
    return config.error();
  }

  TempDir dir;
  std::map<std::string, std::string> env;
  Surroundings around;
  CommandLine flags;
  Registry registry;  // of the last load()
};

}  // namespace openexec::test
