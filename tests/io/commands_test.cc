// SPDX-License-Identifier: Apache-2.0
// The commands of a configuration, as the daemon loads them.
#include "daemon/actions/commands.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "daemon/config_report.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "tests/io/given_config.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

using test::Given;

constexpr const char* secret = "a secret that nobody tells";

// A definition that is good, with further lines: the first of them is line 4.
std::string definition(const std::string& name, const std::string& lines = "") {
  return "name = \"" + name + "\"\ndescription = \"Says it again\"\nargv = [\"/usr/bin/echo\", \"{word}\"]\n" + lines +
         "\n[schema.properties.word]\ntype = \"string\"\nmaxLength = 8\n";
}

// As a service manager hands it over.
void give_credential(Given& given, const std::string& name, const std::string& text, mode_t mode = 0400) {
  init_crypto();
  const std::string path = given.write("credentials/" + name, text);
  REQUIRE(chmod(path.c_str(), mode) == 0);
  given.env["CREDENTIALS_DIRECTORY"] = given.dir / "credentials";
}

std::string objection(const Given& given, const std::string& payload) {
  return given.registry.find("say")->check(parsed(payload)).value_or("");
}

TEST_CASE("a command becomes an action with a closed schema, an open executable and its secrets") {
  Given given;
  give_credential(given, "token", std::string(secret) + "\n");
  given.action("say.toml", definition("say", "concurrency = 2\nsecrets.TOKEN = \"token\""));
  const Config config = given.load();
  const Action* const action = given.registry.find("say");
  REQUIRE(action != nullptr);
  CHECK(action->description == "Says it again");
  CHECK(action->effect == Effect::effectful);
  CHECK(action->concurrency == 2);
  CHECK_FALSE(action->run);
  REQUIRE(action->command != nullptr);
  CHECK(action->command->executable() == "/usr/bin/echo");
  CHECK(action->schema ==
        parsed(R"({"additionalProperties":false,"properties":{"word":{"maxLength":8,"type":"string"}},)"
               R"("required":["word"],"type":"object"})"));
  REQUIRE(config.resources.size() == 1);
  const CommandResources& resources = config.resources.at("say");
  CHECK(resources.executable);
  REQUIRE(resources.secrets.size() == 1);
  CHECK(resources.secrets[0].variable == "TOKEN");
  CHECK(resources.secrets[0].value.view() == secret);
  CHECK(config.commit_rules.registry == given.registry.digest());
}

TEST_CASE("a payload must fit the schema, and then the command line") {
  Given given;
  given.action("say.toml", definition("say"));
  static_cast<void>(given.load());
  CHECK(objection(given, R"({"word":"hello"})").empty());
  CHECK(objection(given, R"({})").find("word") != std::string::npos);
  CHECK(objection(given, R"({"word":"too long a word"})").starts_with("/word: "));
  CHECK(objection(given, R"({"word":"a","b":1})").find("b") != std::string::npos);
  CHECK(objection(given, R"({"word":"-n"})").find("option") != std::string::npos);
  CHECK(objection(given, R"({"word":"a\u0000"})").find("NUL") != std::string::npos);
}

TEST_CASE("commands come from actions.d beside the configuration file, when it is there, or from the folder named") {
  Given given;
  given.action("say.toml", definition("say"));
  CHECK(given.load().resources.size() == 1);
  std::filesystem::rename(given.dir / "actions.d", given.dir / "elsewhere");
  CHECK(given.load().resources.empty());
  CHECK(given.registry.find("say") == nullptr);
  given.config_file("actions.dir = \"" + (given.dir / "elsewhere").string() + "\"");
  CHECK(given.load().resources.size() == 1);
  // No file of configuration: no folder beside it, wherever the daemon was started.
  given.flags.config.reset();
  std::filesystem::rename(given.dir / "elsewhere", given.dir / "actions.d");
  CHECK(given.load().resources.empty());
  given.write("system.toml", "");
  CHECK(given.load().resources.size() == 1);
  // What is there and is no folder does not look as if it were not there.
  std::filesystem::remove_all(given.dir / "actions.d");
  given.write("actions.d", "");
  given.refused({(given.dir / "actions.d").string(), "no folder"});
  std::filesystem::remove(given.dir / "actions.d");
  std::filesystem::create_symlink(given.dir / "none", given.dir / "actions.d");
  given.refused({(given.dir / "actions.d").string(), "No such file"});
}

TEST_CASE("an allow-list may name a command, and names none that is not there") {
  Given given;
  given.action("say.toml", definition("say"));
  given.env["OPENEXEC_ALLOWED_ACTIONS"] = "say";
  CHECK(given.load().policy.allowed_actions == std::vector<std::string>{"say"});
  given.env["OPENEXEC_ALLOWED_ACTIONS"] = "say,shout";
  given.refused({"'shout'"});
}

TEST_CASE("two commands of one name, and one of a built-in's, are refused, and both places named") {
  Given given;
  given.action("a.toml", definition("say"));
  given.action("b.toml", definition("say"));
  given.refused({"/b.toml:1: name: ", "/a.toml"});
  given.action("b.toml", definition("echo"));
  given.refused({"/b.toml:1: name: ", "daemon's own"});
}

TEST_CASE("what a command needs and is not there is refused with its file, line and key") {
  Given given;
  const auto with = [&](const std::string& argv, const std::string& lines) {
    given.action("x.toml", "name = \"x\"\ndescription = \"X\"\nargv = " + argv + "\n" + lines);
  };
  SECTION("its executable") {
    with("[\"/usr/bin/nonexistent\"]", "");
    given.refused({"/x.toml:3: argv: ", "/usr/bin/nonexistent", "No such file"});
  }
  SECTION("the content of its executable") {
    with("[\"/usr/bin/echo\"]", "sha256 = \"" + std::string(64, '0') + "\"");
    given.refused({"/x.toml:4: sha256: ", "it hashes to "});
  }
  SECTION("a schema for its placeholder") {
    with("[\"/usr/bin/echo\", \"{word}\"]", "");
    given.refused({"/x.toml:3: argv: ", "{word}"});
  }
  SECTION("a pattern that is one") {
    with("[\"/usr/bin/echo\"]", "schema.properties.a = { type = \"string\", pattern = \"[\" }");
    given.refused({"/x.toml:4: schema/properties/a/pattern: "});
  }
  SECTION("any credentials") {
    with("[\"/usr/bin/echo\"]", "secrets.TOKEN = \"token\"");
    given.refused({"/x.toml:4: secrets.TOKEN: ", "LoadCredential=token:FILE"});
  }
  SECTION("its credential") {
    give_credential(given, "other", secret);
    with("[\"/usr/bin/echo\"]", "secrets.TOKEN = \"token\"");
    given.refused({"/x.toml:4: secrets.TOKEN: ", "credentials/token: No such file"});
  }
  SECTION("a credential that nobody else can read") {
    give_credential(given, "token", secret, 0404);
    with("[\"/usr/bin/echo\"]", "secrets.TOKEN = \"token\"");
    given.refused({"/x.toml:4: secrets.TOKEN: ", "everybody may read it"});
    CHECK(given.error().find(secret) == std::string::npos);
  }
  SECTION("a credential by a name") {
    give_credential(given, "token", secret);
    for (const char* name : {"../credentials/token", "/etc/passwd", "", ".."}) {
      with("[\"/usr/bin/echo\"]", "secrets.TOKEN = \"" + std::string(name) + "\"");
      given.refused({"/x.toml:4: secrets.TOKEN: ", "no credential's name"});
    }
  }
  SECTION("a secret that is no key of the daemon's") {
    give_credential(given, "log.key", secret);
    with("[\"/usr/bin/echo\"]", "secrets.TOKEN = \"log.key\"");
    given.refused({"/x.toml:4: secrets.TOKEN: ", "the log's key"});
  }
  SECTION("a path of its sandbox") {
    with("[\"/usr/bin/echo\"]", "sandbox.write = [\"/nonexistent\"]");
    given.refused({"/x.toml:4: sandbox.write: ", "/nonexistent", "No such file"});
  }
  SECTION("a cgroup to count its processes in") {
    with("[\"/usr/bin/echo\"]", "sandbox.processes = 4");
    given.refused({"/x.toml:4: sandbox.processes: ", "Delegate=pids"});
    given.around.cgroup = DelegatedCgroup{.path = "/nonexistent", .memory = true, .pids = true};
    static_cast<void>(given.load());
    CHECK(given.registry.find("x")->command->sandbox.processes_max == 4U);
  }
}

TEST_CASE("no command is given what the daemon keeps to itself, or what decides over what runs") {
  Given given;
  given.clawshield();
  for (const char* folder : {"state", "marks", "keys", "programs", "run", "credentials", "approvers", "out"}) {
    std::filesystem::create_directory(given.dir / folder);
  }
  given.write("approvers/ops.pub", test::public_pem(1));
  given.env["CREDENTIALS_DIRECTORY"] = given.dir / "credentials";
  given.env["CLAWSHIELD_PUBLIC_KEY"] = given.dir / "approvers";
  given.env["OPENEXEC_DB_URL"] = "lmdb://" + (given.dir / "state").string();
  given.flags.socket = given.dir / "run/socket";
  given.around.program_dirs = {given.dir / "programs"};
  given.config_file("store.high_water = \"" + (given.dir / "marks/mark").string() + "\"\nlog.key = \"" +
                    (given.dir / "keys/log.key").string() + "\"");
  const auto with = [&](const std::string& use, const std::string& path) {
    given.action("x.toml", "name = \"x\"\ndescription = \"X\"\nargv = [\"/usr/bin/echo\"]\nsandbox." + use + " = [\"" +
                               path + "\"]");
  };
  struct Case {
    const char* folder;
    const char* what;
    bool may_be_read;
  };
  for (const Case& guarded :
       {Case{"state", "the store", false}, Case{"marks", "the high-water file", false},
        Case{"keys", "the log's key", false}, Case{"credentials", "the credentials", false},
        Case{"approvers", "the approvers' keys", true}, Case{"run", "the agent socket", true},
        Case{"actions.d", "the definitions of actions", true}, Case{"programs", "the daemon's own programs", true},
        Case{"test.toml", "the configuration", true}}) {
    INFO(guarded.folder);
    with("write", given.dir / guarded.folder);
    given.refused({"/x.toml:4: sandbox.write: ", guarded.what, "no command may write"});
    with("read", given.dir / guarded.folder);
    if (guarded.may_be_read) {
      static_cast<void>(given.load());
    } else {
      given.refused({"/x.toml:4: sandbox.read: ", guarded.what, "no command may read"});
    }
  }
  with("read", "/");
  given.refused({"/x.toml:4: sandbox.read: \"/\" contains the store"});
  with("write", "/usr/bin");
  given.refused({"/x.toml:4: sandbox.write: ", "the executable of x"});
  given.action("y.toml",
               "name = \"y\"\ndescription = \"Y\"\nargv = [\"/usr/bin/true\"]\nsandbox.write = [\"/usr/bin/echo\"]");
  with("read", "/usr");
  given.refused({"/y.toml:4: sandbox.write: ", "the executable of x"});
  std::filesystem::remove(given.dir / "actions.d/y.toml");

  // What the launcher is told has no links in it.
  std::filesystem::create_directory_symlink(given.dir / "out", given.dir / "link");
  with("write", given.dir / "link");
  static_cast<void>(given.load());
  CHECK(given.registry.find("x")->command->sandbox.write ==
        std::vector<std::string>{std::filesystem::canonical(given.dir / "out").string()});
}

TEST_CASE("what links lead to is guarded beside the folders that hold the links") {
  Given given;
  given.clawshield();
  for (const char* folder : {"definitions", "real-keys", "real-config", "cgroup", "actions.d", "approvers"}) {
    std::filesystem::create_directory(given.dir / folder);
  }
  REQUIRE(chmod((given.dir / "actions.d").c_str(), 0755) == 0);
  given.write("real-keys/ops.pub", test::public_pem(1));
  given.write("approvers/README", "");
  std::filesystem::create_symlink(given.dir / "real-keys/ops.pub", given.dir / "approvers/ops.pub");
  given.env["CLAWSHIELD_PUBLIC_KEY"] = given.dir / "approvers";
  given.write("real-config/openexec.toml", "");
  given.flags.config = given.dir / "openexec.toml";
  std::filesystem::create_symlink("real-config/openexec.toml", given.dir / "openexec.toml");
  given.around.cgroup = DelegatedCgroup{.path = given.dir / "cgroup", .memory = true, .pids = true};
  std::filesystem::create_symlink(given.dir / "definitions/x.toml", given.dir / "actions.d/x.toml");
  struct Case {
    const char* path;
    const char* what;
  };
  for (const Case& guarded :
       {Case{"definitions", "the definition of x"}, Case{"definitions/x.toml", "the definition of x"},
        Case{"real-keys", "an approver's key"}, Case{"real-keys/ops.pub", "an approver's key"},
        Case{"real-config", "the configuration"}, Case{"cgroup", "the cgroup of the runs"}}) {
    INFO(guarded.path);
    given.write("definitions/x.toml",
                "name = \"x\"\ndescription = \"X\"\nargv = [\"/usr/bin/echo\"]\nsandbox.write = [\"" +
                    (given.dir / guarded.path).string() + "\"]");
    given.refused({"/x.toml:4: sandbox.write: ", guarded.what, "no command may write"});
  }
}

TEST_CASE("a file that a fixed argument names is nobody else's to write, like the program") {
  Given given;
  const std::string script = given.write("script.py", "print(1)");
  given.action("x.toml", "name = \"x\"\ndescription = \"X\"\nargv = [\"/usr/bin/python3\", \"" + script + "\", \"" +
                             given.dir.path().string() + "\", \"/nonexistent\", \"script.py\", \"/dev/null\"]");
  CHECK(given.load().command_warnings.empty());
  for (const mode_t mode : {0664U, 0646U}) {
    REQUIRE(chmod(script.c_str(), mode) == 0);
    given.refused({"/x.toml:3: argv: ", script, "run chmod go-w on it"});
  }
  // By a link it is the file that is judged.
  const std::string link = given.dir / "link";
  std::filesystem::create_symlink(script, link);
  given.action("x.toml", "name = \"x\"\ndescription = \"X\"\nargv = [\"/usr/bin/python3\", \"" + link + "\"]");
  given.refused({"/x.toml:3: argv: ", link, "run chmod go-w on it"});
  if (geteuid() == 0) {
    REQUIRE(chmod(script.c_str(), 0644) == 0);
    REQUIRE(chown(script.c_str(), 12345, 0) == 0);
    given.refused({"/x.toml:3: argv: ", "it belongs to uid 12345"});
  }
}

TEST_CASE("a warning tells of a command that may write what another has as a fixed argument, and names both") {
  Given given;
  const std::string script = given.write("scripts/script.py", "print(1)");
  std::filesystem::create_directory(given.dir / "links");
  std::filesystem::create_directory(given.dir / "out");
  const std::string link = given.dir / "links/script.py";
  std::filesystem::create_symlink(script, link);
  given.action("a.toml", "name = \"a\"\ndescription = \"A\"\nargv = [\"/usr/bin/python3\", \"" + link + "\"]");
  const auto warned = [&](const std::string& name, const std::string& path) {
    given.action(
        name + ".toml",
        "name = \"" + name + "\"\ndescription = \"B\"\nargv = [\"/usr/bin/echo\"]\nsandbox.write = [\"" + path + "\"]");
    return given.load();
  };
  CHECK(warned("b", given.dir / "out").command_warnings.empty());
  for (const char* path : {"scripts", "scripts/script.py", "links"}) {
    INFO(path);
    const Config config = warned("b", given.dir / path);
    REQUIRE(config.command_warnings.size() == 1);
    const std::string& warning = config.command_warnings[0];
    CHECK(warning.find("/a.toml:3: argv: \"" + link + "\" of action a can be changed by runs of action b") !=
          std::string::npos);
    CHECK(std::ranges::find(config.warnings, warning) != config.warnings.end());
    CHECK(check_report(config, given.registry).find("\nwarning: " + warning + "\n") != std::string::npos);
  }
  // Also one whose file is read before, and of itself.
  CHECK(warned("0", given.dir / "scripts").command_warnings.size() == 2);
  std::filesystem::remove(given.dir / "actions.d/0.toml");
  std::filesystem::remove(given.dir / "actions.d/b.toml");
  given.action("a.toml", "name = \"a\"\ndescription = \"A\"\nargv = [\"/usr/bin/python3\", \"" + script +
                             "\"]\nsandbox.write = [\"" + (given.dir / "scripts").string() + "\"]");
  CHECK(given.load().command_warnings.size() == 1);
}

TEST_CASE("a check names what only the service has, and misses nothing else") {
  Given given;
  const std::string lines = "secrets.TOKEN = \"token\"\nsandbox.processes = 4";
  given.action("say.toml", definition("say", lines));
  given.flags.check = true;
  const Config config = given.load();
  REQUIRE(config.unchecked.size() == 2);
  CHECK(config.unchecked[0].ends_with("/say.toml:5: sandbox.processes: no cgroup is delegated to this process"));
  CHECK(config.unchecked[1].ends_with(
      "/say.toml:4: secrets.TOKEN: the credential token: CREDENTIALS_DIRECTORY is not set"));
  const std::string report = check_report(config, given.registry);
  CHECK(report.find("\nnot checked here: " + config.unchecked[0] + "\nnot checked here: " + config.unchecked[1] +
                    "\n") != std::string::npos);

  SECTION("but what is there is held to what is asked of it") {
    given.around.cgroup = DelegatedCgroup{.path = given.dir / "cgroup", .memory = true, .pids = false};
    given.refused({"/say.toml:5: sandbox.processes: ", "Delegate=pids"});
    given.around.cgroup->pids = true;
    give_credential(given, "other", secret);
    given.refused({"/say.toml:4: secrets.TOKEN: ", "credentials/token: No such file"});
    give_credential(given, "token", secret);
    CHECK(given.load().unchecked.empty());
  }
  SECTION("but what is no credential's name is none anywhere") {
    given.action("say.toml", definition("say", "secrets.TOKEN = \"../token\""));
    given.refused({"/say.toml:4: secrets.TOKEN: ", "no credential's name"});
  }
  SECTION("and a start misses both") {
    given.flags.check = false;
    given.refused({"/say.toml:5: sandbox.processes: ", "Delegate=pids"});
    given.around.cgroup = DelegatedCgroup{.path = given.dir / "cgroup", .memory = true, .pids = true};
    given.refused({"/say.toml:4: secrets.TOKEN: ", "there are no credentials"});
  }
}

TEST_CASE("a sandbox's path that leads to a name which is no text stops the start") {
  Given given;
  std::filesystem::create_directory(given.dir / "\xff");
  std::filesystem::create_symlink(given.dir / "\xff", given.dir / "link");
  given.action("say.toml", definition("say", "sandbox.read = [\"" + (given.dir / "link").string() + "\"]"));
  given.refused({"/say.toml:4: sandbox.read: ", "/link", "cannot be shown"});
}

TEST_CASE("a sandbox is required in clawshield mode, and not in demo mode, unless the file says otherwise") {
  Given given;
  given.around.kernel = {.landlock_abi = 1, .seccomp = true};
  given.config_file("");
  CHECK_FALSE(given.load().sandbox_required);
  given.clawshield();
  CHECK(given.load().sandbox_required);  // without commands there is nothing to hold
  given.action("say.toml", definition("say"));
  given.refused({"this kernel cannot hold commands", "required = false"});
  given.around.kernel = {.landlock_abi = 2, .seccomp = false};
  given.refused({"this kernel cannot hold commands"});
  given.around.kernel = {.landlock_abi = 2, .seccomp = true};
  CHECK(given.load().warnings.empty());

  given.around.kernel = {.landlock_abi = 0, .seccomp = false};
  given.config_file("sandbox.required = false");
  const Config config = given.load();
  CHECK_FALSE(config.sandbox_required);
  REQUIRE(config.warnings.size() == 1);
  CHECK(config.warnings[0].find("without the whole of their sandbox") != std::string::npos);
  given.env["OPENEXEC_MODE"] = "demo";
  given.config_file("sandbox.required = true");
  given.refused({"this kernel cannot hold commands"});
}

TEST_CASE("the registry's digest tells a secret's name and nothing of its value") {
  Given given;
  const auto digest = [&](const std::string& name, const std::string& value) {
    std::filesystem::remove_all(given.dir / "credentials");
    give_credential(given, name, value);
    given.action("say.toml", definition("say", "secrets.TOKEN = \"" + name + "\""));
    static_cast<void>(given.load());
    return given.registry.digest();
  };
  const Hash first = digest("one", secret);
  CHECK(digest("one", std::string(secret) + "!") == first);
  CHECK(digest("two", secret) != first);
}

TEST_CASE("a configuration with commands says so in its line, and --check shows each of them") {
  Given given;
  given.config_file("");
  CHECK(check_report(given.load(), given.registry).find("\ncommand ") == std::string::npos);
  given.action("say.toml", definition("say", "sandbox.memory = \"64MiB\"\nsandbox.unix = true"));
  const Config config = given.load();
  CHECK(describe(config, given.registry) == "demo mode: nothing is signed, anything registered may run (1 command)");
  const std::string report = check_report(config, given.registry);
  CHECK(report.starts_with("ok  demo mode: "));
  CHECK(report.find("\ncommand say   /usr/bin/echo   reads /usr, writes nothing, no network, Unix sockets, 67108864 "
                    "bytes of memory\n") != std::string::npos);
  CHECK(report.ends_with("\nregistry " + to_hex(given.registry.digest().view()) + "\n"));
  given.action("other.toml", definition("other", "sandbox.network = true\nsandbox.read = []"));
  given.env["OPENEXEC_ALLOWED_ACTIONS"] = "say";
  const Config two = given.load();
  CHECK(describe(two, given.registry) == "demo mode: nothing is signed, 1 of 4 actions (2 commands) may run");
  CHECK(check_report(two, given.registry)
            .find("\ncommand other   /usr/bin/echo   reads nothing, writes nothing, network\n") != std::string::npos);
}

TEST_CASE("a warning tells what else is in the folder") {
  Given given;
  given.action("say.toml", definition("say"));
  given.action("notes.txt", "no definition");
  const Config config = given.load();
  REQUIRE(config.warnings.size() == 2);  // of demo mode, and
  CHECK(config.warnings[1].find("notes.txt") != std::string::npos);
}

}  // namespace
}  // namespace openexec
