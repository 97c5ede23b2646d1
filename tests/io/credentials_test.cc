// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/credentials.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace openexec {
namespace {

const std::string secret = "0123456789abcdef";

struct Folder {
  Folder() { init_crypto(); }

  void write(const std::string& bytes, mode_t mode = 0400) const {
    std::filesystem::remove(dir / "token");
    std::ofstream(dir / "token", std::ios::binary) << bytes;
    REQUIRE(chmod((dir / "token").c_str(), mode) == 0);
  }
  [[nodiscard]] std::string read() const {
    const auto found = read_credential(dir.path(), "token");
    INFO((found.has_value() ? std::string() : found.error()));
    REQUIRE(found.has_value());
    return std::string(found->view());
  }
  void refused(const std::string& says) const {
    const auto found = read_credential(dir.path(), "token");
    REQUIRE_FALSE(found.has_value());
    INFO(found.error());
    CHECK(found.error().find(says) != std::string::npos);
    CHECK(found.error().find((dir / "token").string()) != std::string::npos);
    CHECK(found.error().find("0123") == std::string::npos);  // nothing of the secret
  }

  test::TempDir dir;
};

TEST_CASE("a credential is its file's content, but for one line end behind it") {
  const Folder folder;
  folder.write(secret);
  CHECK(folder.read() == secret);
  folder.write(secret + "\n", 0440);
  CHECK(folder.read() == secret);
  folder.write(secret + "\n\n", 0600);
  CHECK(folder.read() == secret + "\n");
  folder.write(" " + secret + " \r\n");
  CHECK(folder.read() == " " + secret + " \r");
  folder.write(std::string(limits::secret_bytes_max, 's') + "\n");
  CHECK(folder.read().size() == limits::secret_bytes_max);
}

TEST_CASE("a secret too short to be found in an output again, too long, or with a NUL, is refused and never quoted") {
  const Folder folder;
  folder.write(secret.substr(1));
  folder.refused("16 to 4096");
  folder.write(secret.substr(1) + "\n");
  folder.refused("16 to 4096");
  folder.write("");
  folder.refused("16 to 4096");
  folder.write(std::string(limits::secret_bytes_max + 1, 's'));
  folder.refused("16 to 4096");
  folder.write(std::string(limits::secret_bytes_max + 2, 's'));
  folder.refused("more than 4097");
  folder.write(secret + std::string(1, '\0') + secret);
  folder.refused("NUL");
}

TEST_CASE("a credential that others can read or write is refused") {
  const Folder folder;
  for (const mode_t mode : {0404U, 0402U, 0401U}) {
    folder.write(secret, mode);
    folder.refused("everybody may read it");
  }
  folder.write(secret, 0620);
  folder.refused("others may write it");
  if (geteuid() == 0) {
    folder.write(secret);
    REQUIRE(chown((folder.dir / "token").c_str(), 12345, 12345) == 0);
    folder.refused("uid 12345");
  }
  std::filesystem::remove(folder.dir / "token");
  folder.refused("No such file");
  REQUIRE(mkfifo((folder.dir / "token").c_str(), 0400) == 0);
  folder.refused("no regular file");
}

TEST_CASE("a credential's name leads nowhere else") {
  for (const char* name : {"deploy-token", "a", "A_b.c-9", ".hidden"}) {
    CHECK(is_credential_name(name));
  }
  for (const char* name : {"", ".", "..", "../log.key", "a..b", "a/b", "/etc/shadow", "a b", "a\nb", "\xc3\xa4"}) {
    CHECK_FALSE(is_credential_name(name));
  }
  CHECK(is_credential_name(std::string(255, 'a')));
  CHECK_FALSE(is_credential_name(std::string(256, 'a')));
}

}  // namespace
}  // namespace openexec
