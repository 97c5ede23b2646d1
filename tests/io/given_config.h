// SPDX-License-Identifier: Apache-2.0
// A configuration to load.
#pragma once

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
    env["HOME"] = "/home/somebody";
    add_builtins(registry);
  }

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = dir / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  void config_file(const std::string& text) { flags.config = write("test.toml", text); }
  void clawshield() {
    env["OPENEXEC_MODE"] = "clawshield";
    env["CLAWSHIELD_TENANT_ID"] = "acme";
    env["CLAWSHIELD_PUBLIC_KEY"] = public_pem(1);
  }

  [[nodiscard]] Config load() const {
    auto config = load_config(flags, around, registry);
    if (!config.has_value()) {
      FAIL(config.error());
    }
    return *std::move(config);
  }
  // The refusal must be one line that holds each of these.
  void refused(const std::vector<std::string>& parts) const {
    const auto config = load_config(flags, around, registry);
    REQUIRE_FALSE(config.has_value());
    INFO(config.error());
    CHECK(config.error().find('\n') == std::string::npos);
    for (const std::string& part : parts) {
      INFO("lacks: " << part);
      CHECK(config.error().find(part) != std::string::npos);
    }
  }

  TempDir dir;
  std::map<std::string, std::string> env;
  Surroundings around;
  CommandLine flags;
  Registry registry;
};

}  // namespace openexec::test
