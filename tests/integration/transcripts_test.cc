// SPDX-License-Identifier: Apache-2.0
// tests/transcripts: each is run, together they cover the protocol, and docs/protocol.md shows them as they are.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "proto-json/error.h"
#include "tests/integration/transcript.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

using Kind = TranscriptStep::Kind;

// Reasons that no client can bring about at will over the socket, and who shows them instead.
const std::map<std::string_view, std::string_view> unreachable = {
    {"internal", "a fault of the daemon's own, or a damaged store: tests/core damages one"},
    {"rate_limited", "which request meets it is the clock's choice: guards_test.cc sends many"},
    {"halted", "nothing halts the daemon before it has an admin socket"},
    {"shutting_down",
     "a stopping daemon reads nothing more, so only a request whose signature is being checked at that "
     "moment meets it: tests/core and the simulator stop there"},
};

constexpr std::string_view methods[] = {"info",    "health",       "ready",           "version",
                                        "execute", "actions/list", "receipts/verify", "receipts/get"};

// The lines of that kind, over all transcripts.
std::vector<std::string> texts(Kind kind) {
  std::vector<std::string> out;
  for (const Transcript& transcript : read_transcripts()) {
    for (const TranscriptStep& step : transcript.steps) {
      if (step.kind == kind) {
        out.push_back(step.text);
      }
    }
  }
  return out;
}

bool some_contains(const std::vector<std::string>& all, const std::string& text) {
  return std::any_of(all.begin(), all.end(),
                     [&](const std::string& one) { return one.find(text) != std::string::npos; });
}

std::string protocol_page() { return read_file(std::filesystem::path(OPENEXEC_SOURCE_DIR) / "docs" / "protocol.md"); }

TEST_CASE("every transcript is what the daemon says", "[transcripts]") {
  for (const Transcript& transcript : read_transcripts()) {
    DYNAMIC_SECTION(transcript.name) { run_transcript(transcript); }
  }
}

TEST_CASE("every error reason has a transcript, but for those that no client can bring about at will",
          "[transcripts]") {
  const auto expected = texts(Kind::expect);
  for (const ReasonInfo& reason : reasons()) {
    INFO(reason.name);
    CHECK(some_contains(expected, "\"reason\":\"" + std::string(reason.name) + "\"") ==
          !unreachable.contains(reason.name));
  }
}

TEST_CASE("every method has a transcript", "[transcripts]") {
  const auto sent = texts(Kind::send_line);
  for (const std::string_view method : methods) {
    INFO(method);
    CHECK(some_contains(sent, "\"method\":\"" + std::string(method) + "\""));
  }
}

TEST_CASE("the protocol page shows its transcripts verbatim", "[transcripts]") {
  const std::string page = protocol_page();
  std::size_t shown = 0;
  for (const Transcript& transcript : read_transcripts()) {
    if (transcript.in_docs) {
      INFO(transcript.name << ", which the page should hold as:\n" << transcript.body);
      CHECK(page.find(transcript.body) != std::string::npos);
      ++shown;
    }
  }
  CHECK(shown > 0);
}

TEST_CASE("the protocol page shows no conversation that is not a transcript", "[transcripts]") {
  std::set<std::string> known;
  for (const Transcript& transcript : read_transcripts()) {
    std::istringstream body(transcript.body);
    for (std::string line; std::getline(body, line);) {
      known.insert(line);
    }
  }
  std::istringstream page(protocol_page());
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("> {") || line.starts_with("< {")) {
      INFO(line);
      CHECK(known.contains(line));
    }
  }
}

TEST_CASE("an expected reply fits only the same members with the same values", "[transcripts]") {
  CHECK(fits(parsed(R"({"a":"…","b":[1,"…"]})"), parsed(R"({"a":{"c":1},"b":[1,null]})")));
  CHECK_FALSE(fits(parsed(R"({"a":"…"})"), parsed(R"({"a":1,"b":2})")));
  CHECK_FALSE(fits(parsed(R"({"a":"…","b":2})"), parsed(R"({"a":1})")));
  CHECK_FALSE(fits(parsed(R"({"a":[1]})"), parsed(R"({"a":[1,2]})")));
  CHECK_FALSE(fits(parsed(R"({"a":1})"), parsed(R"({"a":1.0})")));
}

}  // namespace
}  // namespace openexec::test
