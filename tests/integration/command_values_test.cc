// SPDX-License-Identifier: Apache-2.0
// What reaches a command: its arguments, its standard input and its environment, through a real daemon.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/commands.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

// Prints what it was given as one line of JSON.
constexpr std::string_view show_arguments = R"(
import json, sys
print(json.dumps(sys.argv[1:]))
)";

Json arguments_seen(AgentSocket& socket, std::string_view action, const Json& payload, const std::string& nonce) {
  const Json result = command_result_of(execute(socket, action, payload, nonce));
  return member(result, "stdout");
}

TEST_CASE("an argument is passed whole and never interpreted", "[integration]") {
  const Commands commands;
  commands.define_python("show", show_arguments, "output = \"json\"\noutput_bytes_max = 1000000");
  commands.define("show.text",
                  "argv = [\"/usr/bin/printf\", \"%s|%s\", \"--\", \"{x}\"]\n[schema.properties.x]\n"
                  "type = \"string\"\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  int nonce = 0;
  for (const std::string& text :
       {std::string("$(id) `id` ; id | id & id > /tmp/x"), std::string("a b\tc\nd\r\n"), std::string("'\"\\ *?[!]~#"),
        std::string("--help"), std::string("-"), std::string(""), std::string("\xC3\xA9\xF0\x9F\x98\x80"),
        std::string("%s%n"), std::string("{x}"), std::string("\x01\x1B[31m\x7F"), std::string(60'000, 'x')}) {
    INFO(text.substr(0, 60));
    CHECK(output_of(execute(socket, "show.text", text_payload("x", text), std::to_string(++nonce))) == "--|" + text);
  }
}

TEST_CASE("every argument stays one argument, numbers and booleans in canonical form", "[integration]") {
  const Commands commands;
  commands.define_python("show", show_arguments);
  const std::string script = (commands.dir() / "show.py").string();
  commands.define("show.all", "argv = [\"/usr/bin/python3\", \"-I\", \"-S\", \"" + script +
                                  "\", \"fixed\", \"--\", \"{text}\", \"{number}\", \"{flag}\", \"{word}\"]\n"
                                  "output = \"json\"\n"
                                  "[schema.properties.text]\ntype = \"string\"\n"
                                  "[schema.properties.number]\ntype = \"number\"\n"
                                  "[schema.properties.flag]\ntype = \"boolean\"\n"
                                  "[schema.properties.word]\nenum = [\"--all\", \"none\"]\n"
                                  "[sandbox]\nread = [\"/usr\", \"" +
                                  script + "\"]\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  const Json seen =
      arguments_seen(socket, "show.all", parsed(R"({"text":"a b","number":1e3,"flag":true,"word":"--all"})"), "1");
  CHECK(seen == parsed(R"(["fixed","--","a b","1000.0","true","--all"])"));
  CHECK(arguments_seen(socket, "show.all", parsed(R"({"text":"","number":-7,"flag":false,"word":"none"})"), "2") ==
        parsed(R"(["fixed","--","","-7","false","none"])"));
}

TEST_CASE("what could be taken for an option, has a NUL or is too long is refused, and nothing runs", "[integration]") {
  const Commands commands;
  commands.define("show", "argv = [\"/usr/bin/printf\", \"%s\", \"{x}\"]\n[schema.properties.x]\ntype = \"string\"\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  int nonce = 0;
  for (const std::string& text : {std::string("--foo"), std::string("-"), std::string("a\0b", 3),
                                  std::string(limits::argument_bytes_max + 1, 'x'), std::string(900'000, 'x')}) {
    INFO(text.substr(0, 60));
    CHECK(execute(socket, "show", text_payload("x", text), std::to_string(++nonce)).reason() == "payload_invalid");
  }
  const std::string longest(limits::argument_bytes_max, 'x');
  CHECK(output_of(execute(socket, "show", text_payload("x", longest), "fits")).starts_with("xxx"));
  for (const Json& entry : log_of(socket)) {
    CHECK((string_member(entry, "kind") == "denied" || string_member(entry, "nonce") == "fits"));
  }
}

TEST_CASE("a payload of almost a line is on standard input whole, in canonical form", "[integration]") {
  const Commands commands;
  commands.define("hash",
                  "argv = [\"/usr/bin/sha256sum\"]\n[schema]\ntype = \"object\"\nadditionalProperties = true\n");
  commands.define("copy", "argv = [\"/usr/bin/cat\"]\n[schema]\ntype = \"object\"\nadditionalProperties = true\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  const Json large = text_payload("x", std::string(1'000'000, 'y'));
  CHECK(output_of(execute(socket, "hash", large, "1")).substr(0, 64) == to_hex(sha256(to_compact(large)).view()));
  const Json small = parsed(R"({"b":[1.50,"é\u0000"],"a":null})");
  CHECK(output_of(execute(socket, "copy", small, "2")) == to_compact(small));
  CHECK(output_of(execute(socket, "copy", Json::object({}), "3")) == "{}");
}

TEST_CASE("a command that reads nothing of its payload ends well", "[integration]") {
  const Commands commands;
  commands.define("true", "argv = [\"/usr/bin/true\"]\n[schema]\ntype = \"object\"\nadditionalProperties = true\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  const Json large = text_payload("x", std::string(1'000'000, 'y'));
  CHECK(output_of(execute(socket, "true", large, "1")).empty());
  CHECK(call(socket, "ready").succeeded());
}

TEST_CASE("without a payload standard input is empty", "[integration]") {
  const Commands commands;
  commands.define_shell("none", "wc -c; readlink /proc/self/fd/0", "stdin = \"none\"");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  CHECK(output_of(execute(socket, "none", Json::object({}), "1")) == "0\n/dev/null\n");
}

TEST_CASE("the environment is what is defined and a temporary folder, and nothing of the daemon's", "[integration]") {
  const Commands commands;
  commands.define("env",
                  "argv = [\"/usr/bin/env\"]\nstdin = \"none\"\nenv = { LANG = \"C\", EMPTY = \"\", A = \"b=c d\" }\n");
  DaemonOptions options = commands.with(demo_daemon());
  options.env.emplace_back("SECRET_OF_THE_DAEMON=1");
  const TestDaemon daemon(options);
  AgentSocket socket(daemon.socket());
  const std::string out = output_of(execute(socket, "env", Json::object({}), "1"));
  INFO(out);
  const std::string defined = "A=b=c d\nEMPTY=\nLANG=C\nTMPDIR=/";
  REQUIRE(out.starts_with(defined));
  CHECK(std::count(out.begin(), out.end(), '\n') == 4);
}

TEST_CASE("a command runs in a folder of its own that is empty, private and gone afterwards", "[integration]") {
  const Commands commands;
  commands.define_shell("pwd",
                        "pwd; ls -A | wc -l; echo x > file; mkdir -p a/b; stat -c %a . file; test $PWD = $TMPDIR",
                        "stdin = \"none\"");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  const std::string out = output_of(execute(socket, "pwd", Json::object({}), "1"));
  const std::string folder = out.substr(0, out.find('\n'));
  CHECK(out.substr(folder.size()) == "\n0\n700\n600\n");
  CHECK_FALSE(std::filesystem::exists(folder));
  CHECK(output_of(execute(socket, "pwd", Json::object({}), "2")).substr(0, folder.size()) != folder);
}

}  // namespace
}  // namespace openexec::test
