// SPDX-License-Identifier: Apache-2.0
#include "daemon/log_key.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "proto-json/pem.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace openexec {
namespace {

namespace fs = std::filesystem;

constexpr const char* adopt_command = "openexec store adopt /d";

struct Fixture {
  Fixture() { init_crypto(); }
  test::TempDir dir;
  LogKeyFile file{.path = log_key_path(dir.path().string()), .is_ours = true};

  [[nodiscard]] std::string refusal(const std::optional<std::string>& bound = std::nullopt) const {
    const auto signer = open_log_key(file, "vm1/openexec", bound, adopt_command);
    REQUIRE_FALSE(signer.has_value());
    return signer.error();
  }
};

TEST_CASE("the first start makes a key that nobody else can read, and every later one finds it") {
  const Fixture f;
  const auto made = open_log_key(f.file, "vm1/openexec", std::nullopt, adopt_command);
  REQUIRE(made.has_value());
  struct stat status{};
  REQUIRE(stat(f.file.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600);
  CHECK_FALSE(fs::exists(f.file.path + ".new"));
  CHECK(made->key().name == "vm1/openexec");
  CHECK(made->key().type == NoteKeyType::ed25519);
  const auto found = open_log_key(f.file, "vm1/openexec", to_vkey(made->key()), adopt_command);
  REQUIRE(found.has_value());
  CHECK(found->key() == made->key());
}

TEST_CASE("a first start that was cut short is finished by the next") {
  const Fixture f;
  std::ofstream(f.file.path + ".new") << "half a key";
  CHECK(open_log_key(f.file, "vm1/openexec", std::nullopt, adopt_command).has_value());
}

TEST_CASE("two keys are never the same, and a key that is there is never written over") {
  const Fixture f;
  const auto first = make_log_key((f.dir.path() / "a").string());
  const auto second = make_log_key((f.dir.path() / "b").string());
  REQUIRE((first.has_value() && second.has_value()));
  CHECK(first->public_key() != second->public_key());
  CHECK_FALSE(make_log_key((f.dir.path() / "a").string()).has_value());
}

TEST_CASE("a log whose key is missing is refused, and no new key is made for it") {
  const Fixture f;
  const std::string why = f.refusal("vm1/openexec+00000000+x");
  CHECK(why.find("is missing: put it back") != std::string::npos);
  CHECK(why.find(adopt_command) != std::string::npos);
  CHECK_FALSE(fs::exists(f.file.path));
}

TEST_CASE("a key that is not the log's own is refused, and both are named") {
  const Fixture f;
  const auto own = open_log_key(f.file, "vm1/openexec", std::nullopt, adopt_command);
  REQUIRE(own.has_value());
  const std::string why = f.refusal("vm1/openexec+00000000+x");
  CHECK(why.find("vm1/openexec+00000000+x") != std::string::npos);
  CHECK(why.find(to_vkey(own->key())) != std::string::npos);
}

TEST_CASE("a key file that others can read, or that holds none, is refused") {
  const Fixture f;
  REQUIRE(make_log_key(f.file.path).has_value());
  SECTION("others can read it") {
    fs::permissions(f.file.path, fs::perms(0640));
    CHECK(f.refusal().find("others than this user can read") != std::string::npos);
  }
  SECTION("it holds none") {
    std::ofstream(f.file.path) << "nothing";
    CHECK(f.refusal().find(f.file.path) != std::string::npos);
  }
}

TEST_CASE("a key named elsewhere is only read: one that is not there is not made") {
  Fixture f;
  f.file.is_ours = false;
  CHECK(f.refusal().find("cannot read the log's key") != std::string::npos);
  CHECK_FALSE(fs::exists(f.file.path));
}

TEST_CASE("a credential may be readable by the group that the service manager gives it, and by nobody else") {
  Fixture f;
  REQUIRE(make_log_key(f.file.path).has_value());
  f.file.is_ours = false;
  f.file.is_credential = true;
  fs::permissions(f.file.path, fs::perms(0440));
  CHECK(open_log_key(f.file, "vm1/openexec", std::nullopt, adopt_command).has_value());
  fs::permissions(f.file.path, fs::perms(0444));
  CHECK_FALSE(open_log_key(f.file, "vm1/openexec", std::nullopt, adopt_command).has_value());
}

}  // namespace
}  // namespace openexec
