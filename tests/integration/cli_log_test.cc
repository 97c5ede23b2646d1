// SPDX-License-Identifier: Apache-2.0
// `openexec log key`, `checkpoint` and `tail`, with daemons made for the test.
#include <algorithm>
#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "proto-json/crypto.h"
#include "proto-json/message.h"
#include "tests/integration/cli_support.h"
#include "tests/support/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/made_log.h"
#include "tests/support/openexecd.h"
#include "tests/support/receipts.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

using Arguments = std::vector<std::string>;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// --- key, checkpoint ---

TEST_CASE("log key prints the verifier key alone, so that a file of it is one", "[integration]") {
  const MadeLog log;
  const Json health = Json::object({{"log", Json::object({{"vkey", log.vkey()}})}});
  const FakeDaemon daemon = serving([&](const std::string&, const Json&) { return health; });
  CHECK(cli({"log", "key"}, {.socket = daemon.socket()}).out == log.vkey() + "\n");
  CHECK(document(cli({"log", "key", "--json"}, {.socket = daemon.socket()})) == Json::object({{"vkey", log.vkey()}}));
  const Completed human = cli({"log", "key", "--format", "human"}, {.socket = daemon.socket()});
  CHECK(human.out == log.vkey() + "\n");
  CHECK(contains(human.err, "a key is worth what the way is worth that it came by"));

  const FakeDaemon silent = serving([](const std::string&, const Json&) { return Json::object({}); });
  CHECK(cli({"log", "key"}, {.socket = silent.socket()}).exit_code == 1);
}

TEST_CASE("log checkpoint prints the note as it is, and the cosigned one when asked", "[integration]") {
  MadeLog log;
  log.append_many(3);
  const Json answer = Json::object({{"checkpoint", log.checkpoint()}, {"cosigned", log.checkpoint(2)}});
  const FakeDaemon daemon = serving([&](const std::string&, const Json&) { return answer; });
  CHECK(cli({"log", "checkpoint"}, {.socket = daemon.socket()}).out == log.checkpoint());
  CHECK(cli({"log", "checkpoint", "--cosigned"}, {.socket = daemon.socket()}).out == log.checkpoint(2));
  CHECK(document(cli({"log", "checkpoint", "--json"}, {.socket = daemon.socket()})) == answer);

  const FakeDaemon unwitnessed =
      serving([&](const std::string&, const Json&) { return with_member(answer, "cosigned", nullptr); });
  CHECK(cli({"log", "checkpoint", "--cosigned"}, {.socket = unwitnessed.socket()}).exit_code == 1);
}

// --- tail ---

using Handler = std::function<Json(const std::string& method, const Json& params)>;

// Entries as log/entries answers them, in pages of that many.
Handler paged(const std::vector<Json>& entries, std::size_t page) {
  return [entries, page](const std::string&, const Json& params) {
    const auto start = static_cast<std::size_t>(number_in(params, "start"));
    const std::size_t end = std::min(entries.size(), start + page);
    return Json::object({{"start", number_in(params, "start")},
                         {"size", static_cast<std::int64_t>(entries.size())},
                         {"entries", Json::Array(entries.begin() + static_cast<std::ptrdiff_t>(std::min(start, end)),
                                                 entries.begin() + static_cast<std::ptrdiff_t>(end))}});
  };
}

std::vector<Json> some_entries() {
  Receipt approved = made_receipt(ReceiptKind::executed, Mode::clawshield);
  approved.approval = ReceiptApproval{sha256("approval"), new_approval_id(), {std::string(64, 'a')}, {"ops"}};
  return {to_json(approved), to_json(made_receipt(ReceiptKind::denied)), Json(),
          to_json(made_receipt(ReceiptKind::unknown))};
}

TEST_CASE("log tail prints each entry as one line of JSON when piped, over as many pages as it takes",
          "[integration]") {
  const std::vector<Json> entries = some_entries();
  const FakeDaemon daemon = serving(paged(entries, 2));
  const Completed all = cli({"log", "tail", "--no-follow"}, {.socket = daemon.socket()});
  CHECK(all.exit_code == 0);
  const auto lines = lines_of(all.out);
  REQUIRE(lines.size() == entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    CHECK(parsed(lines[i]) == Json::object({{"index", static_cast<std::int64_t>(i)}, {"receipt", entries[i]}}));
  }
  CHECK(lines_of(cli({"log", "tail", "--no-follow", "-n", "1"}, {.socket = daemon.socket()}).out) ==
        std::vector{lines[3]});
  CHECK(lines_of(cli({"log", "tail", "--no-follow", "--from", "2"}, {.socket = daemon.socket()}).out) ==
        std::vector{lines[2], lines[3]});
  CHECK(cli({"log", "tail", "--no-follow", "--from", "4"}, {.socket = daemon.socket()}).out.empty());
  CHECK(cli({"log", "tail", "--no-follow", "--from", "5"}, {.socket = daemon.socket()}).exit_code == 1);
  CHECK(cli({"log", "tail", "--from", "1", "-n", "1"}, {.socket = daemon.socket()}).exit_code == 2);
}

TEST_CASE("log tail shows people who did what, when, by whose approval", "[integration]") {
  const FakeDaemon daemon = serving(paged(some_entries(), 256));
  const auto lines =
      lines_of(cli({"log", "tail", "--no-follow", "--format", "human"}, {.socket = daemon.socket()}).out);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "2026-11-21 UTC");
  CHECK(lines[1].starts_with("14:08:13.204  executed   payment.refund    uid 1001   nonce 7c9e6679\u2026"));
  CHECK(contains(lines[1], " by ops "));
  CHECK(contains(lines[1], " 0.31 s "));
  CHECK(lines[1].ends_with(" #0"));
  CHECK(contains(lines[2], "denied     payment.refund    uid 1001   approval_used "));
  CHECK(contains(lines[3], "another user's"));
  CHECK(lines[3].ends_with("#2"));
  CHECK(contains(lines[4], "unknown "));
}

TEST_CASE("log tail shows entries as they come, and goes on when the daemon comes back", "[integration]") {
  const std::vector<Json> entries = some_entries();
  // The first connection ends after two answers; the next has all.
  int connection = 0;
  const FakeDaemon daemon(
      [&](FakePeer& peer) {
        const bool first = connection++ == 0;
        const Handler handler = paged(first ? std::vector{entries[0]} : entries, 256);
        int answers = 0;
        for (std::string line = peer.read_line(); !line.empty(); line = peer.read_line()) {
          if (first && answers++ == 2) {
            return;
          }
          const auto request = decode_request(line);
          peer.write(encode_result(request->id, handler(request->method, request->params)));
        }
      },
      2);
  Process process(cli_process({"log", "tail", "--format", "human"}, {.socket = daemon.socket(), .terminal = true}));
  process.wait_for_output("#0");
  process.wait_for_output("the daemon went away");
  process.wait_for_output("#3");
  process.signal(SIGINT);
  CHECK(process.wait().signal == SIGINT);
  CHECK(contains(process.out(), "#1"));
}

TEST_CASE("log tail ends when the log is shorter than it was", "[integration]") {
  int answers = 0;
  const FakeDaemon daemon = serving([&answers](const std::string& method, const Json& params) {
    const std::vector<Json> entries = some_entries();
    const bool is_short = ++answers > 3;
    return paged(is_short ? std::vector{entries[0]} : entries, 256)(method, params);
  });
  const Completed completed = cli({"log", "tail"}, {.socket = daemon.socket()});
  CHECK(completed.exit_code == 1);
  CHECK(contains(completed.err, "the log has 1 entries now and had 4"));
}

TEST_CASE("nothing in the log can command the terminal of who watches it", "[integration]") {
  const std::string evil = "\x1b[2J\u009b2J\u202e";
  Receipt receipt = made_receipt(ReceiptKind::executed, Mode::clawshield);
  Json json = with_member(to_json(receipt), "nonce", "n\u202e");
  receipt.approval = ReceiptApproval{sha256("approval"), new_approval_id(), {std::string(64, 'a')}, {"o\u202eps"}};
  for (const Json& entry : {json, to_json(receipt), Json::object({{"any", evil}}), Json(evil)}) {
    const FakeDaemon daemon = serving(paged({entry}, 256));
    const Completed shown = cli({"log", "tail", "--no-follow", "--format", "human"}, {.socket = daemon.socket()});
    CHECK(shown.exit_code == 0);
    for (const char* part : {"\x1b", "\u009b", "\u202e"}) {
      CHECK_FALSE(contains(shown.out, part));
    }
  }
}

}  // namespace
}  // namespace openexec::test
