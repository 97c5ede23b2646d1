// SPDX-License-Identifier: Apache-2.0
// What the configuration says of the log: its key, its witnesses, its high-water file.
#include "tests/io/given_config.h"
#include "tests/support/catch.h"
#include "tests/support/note_keys.h"

namespace openexec {
namespace {

using test::Given;

TEST_CASE("the high-water file stands beside the store, and cannot be put inside it") {
  Given given;
  given.env["OPENEXEC_DB_URL"] = "lmdb:///d/b";
  CHECK(given.load().high_water_path == "/d/b.high-water");
  for (const char* bad : {"/d/b/high-water", "high-water", "/d/./b/mark", "/d/c/../b//mark"}) {
    given.config_file("[store]\nhigh_water = \"" + std::string(bad) + "\"");
    given.refused({"store.high_water", bad, "outside of the store's folder"});
  }
}

TEST_CASE("a folder that is there, or is a link, is told apart from what stands beside it as well") {
  Given given;
  const std::string store = given.dir / "store";
  std::filesystem::create_directory(store);
  std::filesystem::create_directory_symlink(store, given.dir / "link");
  for (const std::string& url : std::vector<std::string>{store, store + "/", given.dir / "link"}) {
    given.env["OPENEXEC_DB_URL"] = "lmdb://" + url;
    given.config_file("");
    CHECK(given.load().high_water_path == (url.ends_with('/') ? store : url) + ".high-water");
    given.config_file("[store]\nhigh_water = \"" + store + "/mark\"");
    given.refused({"store.high_water", "outside of the store's folder"});
  }
}

TEST_CASE("the log's key is the one that is named, else a credential, else one of the store's own") {
  Given given;
  given.env["OPENEXEC_DB_URL"] = "lmdb:///d/b";
  CHECK(given.load().log_key.path == "/d/b/log.key");
  CHECK(given.load().log_key.is_ours);
  given.env["CREDENTIALS_DIRECTORY"] = given.dir.path().string();
  CHECK(given.load().log_key.is_ours);
  const std::string credential = given.write("log.key", "a key");
  CHECK(given.load().log_key.path == credential);
  CHECK(given.load().log_key.is_credential);
  CHECK_FALSE(given.load().log_key.is_ours);
  given.config_file("[log]\nkey = \"/srv/log.key\"");
  CHECK(given.load().log_key.path == "/srv/log.key");
  given.config_file("[log]\nkey = \"log.key\"");
  given.refused({"log.key", "is no absolute path"});
}

TEST_CASE("a witness is named by its vkey, once, and a log's key is none") {
  Given given;
  const auto witnesses = [&](const std::vector<NoteKey>& keys) {
    std::string list;
    for (const NoteKey& key : keys) {
      list += '"' + to_vkey(key) + "\",";
    }
    given.config_file("[log]\nwitnesses = [" + list + "]");
  };
  const NoteKey one = test_witness("w.example/1").key();
  witnesses({one, test_witness("w.example/2").key()});
  CHECK(given.load().policy.witnesses.size() == 2);
  witnesses({one, one});
  given.refused({"log.witnesses", "is there twice"});
  NoteKey renamed = one;
  renamed.name = "w.example/other";
  witnesses({one, renamed});
  given.refused({"log.witnesses", "is there twice"});
  witnesses({test_log("vm1/openexec").key()});
  given.refused({"log.witnesses", "is the key of a log"});
  given.config_file("[log]\nwitnesses = [\"w.example/1\"]");
  given.refused({"log.witnesses", "it is no verifier key"});
  std::vector<NoteKey> many;
  for (std::size_t i = 0; i <= limits::witnesses_max; ++i) {
    many.push_back(test_witness("w.example/" + std::to_string(i)).key());
  }
  witnesses(many);
  given.refused({"log.witnesses", "16 are the most"});
}

}  // namespace
}  // namespace openexec
