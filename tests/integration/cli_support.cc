// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/cli_support.h"

#include <fstream>
#include <utility>

#include "proto-json/canonical.h"
#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {

ProcessOptions cli_process(std::vector<std::string> arguments, CliOptions options) {
  ProcessOptions process;
  process.argv = {openexec_path()};
  process.argv.insert(process.argv.end(), arguments.begin(), arguments.end());
  process.env = std::move(options.env);
  process.env.push_back("OPENEXEC_SOCKET=" + (options.socket.empty() ? "/nonexistent/socket" : options.socket));
  process.stdin_text = std::move(options.stdin_text);
  process.directory = std::move(options.directory);
  process.new_session = true;
  process.terminal = options.terminal;
  return process;
}

Completed cli(std::vector<std::string> arguments, CliOptions options) {
  return run(cli_process(std::move(arguments), std::move(options)));
}

Json document(const Completed& completed) {
  INFO("standard output: " << completed.out << "\nstandard error: " << completed.err);
  REQUIRE(completed.out.find('\n') == completed.out.size() - 1);
  return parsed(completed.out);
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::int64_t number_member(const Json& json, std::string_view name) {
  const Json* member = json.find(name);
  INFO(name);
  REQUIRE(member != nullptr);
  REQUIRE(member->if_int() != nullptr);
  return *member->if_int();
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

std::string reply_result(const std::string& line, const Json& result) {
  const auto request = decode_request(line);
  return request ? encode_result(request->id, result) : std::string();
}

std::string reply_error(const std::string& line, const Json& error) {
  const auto request = decode_request(line);
  return request ? R"({"error":)" + to_compact(error) + R"(,"id":)" + to_compact(Json(std::get<0>(request->id))) +
                       R"(,"jsonrpc":"2.0"})" + "\n"
                 : std::string();
}

}  // namespace openexec::test
