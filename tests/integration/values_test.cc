// SPDX-License-Identifier: Apache-2.0
// What a caller sends comes back as the same value, in the form that the receipt hash is of.
#include <string>
#include <string_view>

#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/message.h"
#include "proto-json/receipt.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

// Sends the payload as this text, and requires the result in this spaced form, byte for byte, under its receipt.
void require_echo(AgentSocket& socket, const std::string& nonce, const std::string& sent, const std::string& spaced) {
  INFO("sent " << sent.substr(0, 500));
  socket.send_line(R"({"jsonrpc":"2.0","id":1,"method":"execute","params":{"action":"echo","nonce":")" + nonce +
                   R"(","payload":)" + sent + "}}");
  const auto line = socket.read_line();
  REQUIRE(line.has_value());
  const std::string result = R"({"echo": )" + spaced + "}";
  REQUIRE(line->find(R"("result":)" + result + ",") != std::string::npos);
  const Answer answer{parsed(*line)};
  REQUIRE(answer.receipt() == to_hex(sha256(answer.id() + ":" + result).view()));
}

TEST_CASE("every JSON text of the vectors comes back in the seed's spaced form", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket socket(daemon.socket());
  std::size_t count = 0;
  for (const Json& vector : vector_cases("python-json")) {
    const std::string& text = string_member(vector, "input");
    const std::string& spaced = string_member(vector, "spaced");
    require_echo(socket, "v-" + std::to_string(count), R"({"v":)" + text + "}", R"({"v": )" + spaced + "}");
    ++count;
  }
  REQUIRE(count >= 400);
}

TEST_CASE("floats, non-ASCII text and the largest integers come back as they are", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket socket(daemon.socket());
  require_echo(socket, "1", R"({"f":[1e16,1e-7,-0.0,100.0,1E2,0.1,5e-324,1.7976931348623157e308]})",
               R"({"f": [1e+16, 1e-07, -0.0, 100.0, 100.0, 0.1, 5e-324, 1.7976931348623157e+308]})");
  require_echo(socket, "2", R"({"i":[9223372036854775807,-9223372036854775808,0,-0]})",
               R"({"i": [9223372036854775807, -9223372036854775808, 0, 0]})");
  require_echo(socket, "3", R"({"é":"Zoë 😀","\u0000":"\"\\\/\u007f"})",
               R"({"\u0000": "\"\\/\u007f", "\u00e9": "Zo\u00eb \ud83d\ude00"})");
  require_echo(socket, "4", R"({"😀":1,"￿":2,"z":{}})", R"({"z": {}, "\uffff": 2, "\ud83d\ude00": 1})");
}

TEST_CASE("names may be as long as they may be, in any script", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket socket(daemon.socket());
  std::string nonce;
  while (nonce.size() + 2 <= limits::nonce_bytes_max) {
    nonce += "é";
  }
  Json params = execute_params("echo", Json::object({}), nonce);
  params = with_member(params, "trace_id", std::string(limits::trace_id_bytes_max, 't'));
  REQUIRE_FALSE(call(socket, "execute", params).replayed());
  const auto receipt = receipt_by_nonce(socket, nonce);
  REQUIRE(receipt.has_value());
  REQUIRE(string_member(*receipt, "nonce") == nonce);
}

TEST_CASE("a line of 1 MiB is executed, and answered in full also when every byte is escaped", "[integration]") {
  const TestDaemon daemon(demo_daemon());
  AgentSocket socket(daemon.socket());
  const std::string unit = GENERATE(std::string("x"), std::string("\x7f"), std::string("é"));
  const std::string head =
      R"({"jsonrpc":"2.0","id":1,"method":"execute","params":{"action":"echo","nonce":"big","payload":{"t":")";
  const std::string tail = R"("}}})";
  std::string text;
  while (head.size() + text.size() + unit.size() + tail.size() <= limits::line_bytes_max) {
    text += unit;
  }
  REQUIRE(socket.send(head + text + tail + "\n"));
  const Answer answer{socket.read_json()};
  REQUIRE(string_member(member(member(answer.result(), "result"), "echo"), "t") == text);
  REQUIRE(answer.receipt() == to_hex(seed_receipt(answer.id(), to_spaced(member(answer.result(), "result"))).view()));
}

}  // namespace
}  // namespace openexec::test
