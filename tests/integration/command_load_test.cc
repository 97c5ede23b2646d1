// SPDX-License-Identifier: Apache-2.0
// Many commands, one daemon.
#include <filesystem>
#include <iterator>
#include <string>

#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/commands.h"
#include "tests/support/openexecd.h"
#include "tests/support/process_facts.h"
#include "tests/support/programs.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

constexpr int concurrency = 16;

// Runs that many, `concurrency` at one time, each with its own result.
void run_many(AgentSocket& socket, int first, int count) {
  const auto send = [&](int number) {
    const std::string text = "run-" + std::to_string(number);
    socket.send_line(encode_request(number, "execute", execute_params("say", text_payload("x", text), text)));
  };
  for (int i = 0; i < concurrency && i < count; ++i) {
    send(first + i);
  }
  for (int answered = 0; answered < count; ++answered) {
    const Answer answer{socket.read_json()};
    const std::int64_t id = *member(answer.reply, "id").if_int();
    REQUIRE(output_of(answer) == "run-" + std::to_string(id) + "\n");
    if (answered + concurrency < count) {
      send(first + answered + concurrency);
    }
  }
}

TEST_CASE("1,000 commands at a concurrency of 16 leave no descriptor, no zombie and no memory behind",
          "[integration]") {
  const Commands commands;
  commands.define("say",
                  "argv = [\"/usr/bin/echo\", \"{x}\"]\nconcurrency = 16\n"
                  "[schema.properties.x]\ntype = \"string\"\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  run_many(socket, 0, 200);
  CHECK(children_of(daemon.pid()).empty());
  const auto files = open_files_of(daemon.pid());
  const std::int64_t memory = anonymous_kib_of(daemon.pid());

  run_many(socket, 200, 800);
  CHECK(children_of(daemon.pid()).empty());
  CHECK(open_files_of(daemon.pid()) == files);
  CHECK((programs_are_sanitized() ||
         anonymous_kib_of(daemon.pid()) - memory < 1024));  // a sanitizer keeps what was freed
  CHECK(log_of(socket).size() == 2000);
}

TEST_CASE("a launcher holds no descriptor of another run", "[integration]") {
  const Commands commands;
  commands.define_shell("wait", "echo > " + (commands.writable() / "began").string() + ".$$; sleep 0.5",
                        "concurrency = 4\n[sandbox]\nwrite = [\"" + commands.writable().string() + "\"]\n");
  const TestDaemon daemon(commands.with(demo_daemon()));
  AgentSocket socket(daemon.socket());
  for (int i = 0; i < 4; ++i) {
    socket.send_line(encode_request(i, "execute", execute_params("wait", Json::object({}), std::to_string(i))));
  }
  REQUIRE(wait_until([&] { return std::distance(std::filesystem::directory_iterator(commands.writable()), {}) == 4; }));
  for (const pid_t launcher : children_of(daemon.pid())) {
    const auto files = open_files_of(launcher);
    if (files) {
      CHECK(*files <= 12);  // its own: the first five, and what it watches its run with
    }
  }
  for (int i = 0; i < 4; ++i) {
    CHECK(output_of({socket.read_json()}).empty());
  }
}

}  // namespace
}  // namespace openexec::test
