// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/connection.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "daemon/io/agent_server.h"
#include "tests/io/io_support.h"
#include "tests/support/temp_dir.h"

namespace openexec {
namespace {

using test::request_line;
using test::TestClient;

struct Taken {
  Caller caller;
  Request request;
  Respond respond;
};

// A server whose requests wait for the test to answer them.
class Server {
 public:
  explicit Server(ConnectionLimits connection_limits = {}, std::size_t connections_max = 16) {
    std::signal(SIGPIPE, SIG_IGN);  // as the daemon does
    SocketSettings settings;
    settings.path = path();
    settings.backlog = 64;
    auto socket = ListeningSocket::bind(settings);
    REQUIRE(socket.has_value());
    server.emplace(*loop, turn, *std::move(socket), connection_limits, connections_max,
                   [this](const Caller& caller, Request request, Respond respond) {
                     if (answer_with) {
                       respond(answer_with(request));
                     } else {
                       taken.push_back({caller, std::move(request), std::move(respond)});
                     }
                   });
  }

  [[nodiscard]] std::string path() const { return dir / "socket"; }

  bool until(const std::function<bool()>& done) { return test::serve_until(*loop, done); }
  bool until_taken(std::size_t count) {
    return until([&] { return taken.size() >= count; });
  }
  void answer(std::size_t index) {
    taken.at(index).respond(encode_result(taken.at(index).request.id, Json::object({{"ok", true}})));
  }

  test::TempDir dir;
  std::unique_ptr<Loop> loop = test::open_loop();
  LoopTurn turn{*loop};
  std::vector<Taken> taken;
  std::function<std::string(const Request&)> answer_with;
  std::optional<AgentServer> server;
};

std::int64_t id_of(const Json& reply) {
  const Json* id = reply.find("id");
  REQUIRE(id != nullptr);
  REQUIRE(id->if_int() != nullptr);
  return *id->if_int();
}

std::int64_t error_code_of(const Json& reply) {
  const Json* error = reply.find("error");
  REQUIRE(error != nullptr);
  const Json* code = error->find("code");
  REQUIRE(code != nullptr);
  return *code->if_int();
}

TEST_CASE("requests of one write are each taken, and answered in the order of their answers") {
  Server server;
  TestClient client(server.path());
  client.send(request_line(1) + "\r\n  \t\n" + request_line(2) + "\n\n" + request_line(3));
  REQUIRE(server.until_taken(3));
  server.answer(2);
  server.answer(0);
  server.answer(1);
  REQUIRE(server.until([&] { return client.replies().size() == 3; }));
  const auto replies = client.replies();
  CHECK(id_of(replies[0]) == 3);
  CHECK(id_of(replies[1]) == 1);
  CHECK(id_of(replies[2]) == 2);
}

TEST_CASE("a request comes with the peer's credentials as the kernel knows them") {
  Server server;
  TestClient client(server.path());
  client.send(request_line(1));
  REQUIRE(server.until_taken(1));
  const Caller& caller = server.taken[0].caller;
  CHECK(caller.peer == Peer{geteuid(), getegid(), getpid()});
  CHECK(std::count(caller.groups.begin(), caller.groups.end(), getegid()) >= 1);
}

TEST_CASE("a line that is no request is answered with its id where one can be read") {
  Server server;
  TestClient client(server.path());
  client.send("{\n[1]\n{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":5}\n");
  REQUIRE(server.until([&] { return client.replies().size() == 3; }));
  const auto replies = client.replies();
  CHECK(error_code_of(replies[0]) == -32700);
  CHECK(replies[0].find("id")->is_null());
  CHECK(error_code_of(replies[1]) == -32600);
  CHECK(error_code_of(replies[2]) == -32600);
  CHECK(server.taken.empty());
}

TEST_CASE("an id in flight on the connection is refused, and free again once answered") {
  Server server;
  TestClient client(server.path());
  TestClient other(server.path());
  client.send(request_line(1) + request_line(1));
  other.send(request_line(1));
  REQUIRE(server.until([&] { return client.replies().size() == 1; }));
  CHECK(error_code_of(client.replies()[0]) == -32600);
  CHECK(id_of(client.replies()[0]) == 1);
  REQUIRE(server.until_taken(2));  // one of each connection
  server.answer(0);
  server.answer(1);
  REQUIRE(server.until([&] { return client.replies().size() == 2; }));
  client.send(request_line(1));
  REQUIRE(server.until_taken(3));
}

TEST_CASE("a last line without its end is discarded, never taken") {
  Server server;
  TestClient client(server.path());
  std::string unended = request_line(2);
  unended.pop_back();
  client.send(request_line(1) + unended);
  client.half_close();
  REQUIRE(server.until_taken(1));
  server.answer(0);
  REQUIRE(server.until([&] { return client.ended(); }));
  CHECK(client.replies().size() == 1);
  CHECK(server.taken.size() == 1);
}

TEST_CASE("a half-closed peer gets every answer it is owed, then the end") {
  Server server;
  TestClient client(server.path());
  client.send(request_line(1) + request_line(2));
  client.half_close();
  REQUIRE(server.until_taken(2));
  test::settle(*server.loop);
  CHECK_FALSE(client.ended());
  server.answer(1);
  REQUIRE(server.until([&] { return client.replies().size() == 1; }));
  CHECK_FALSE(client.ended());
  server.answer(0);
  REQUIRE(server.until([&] { return client.ended(); }));
  CHECK(client.replies().size() == 2);
  CHECK(server.server->connection_count() == 0);
}

TEST_CASE("a line over the bound gets one error, then what is owed, then the end") {
  ConnectionLimits small;
  small.line_bytes_max = limits::line_bytes_max_floor;
  Server server(small);
  TestClient client(server.path());
  client.send(request_line(1));
  REQUIRE(server.until_taken(1));
  client.send(std::string(small.line_bytes_max + 2, 'x'));
  REQUIRE(server.until([&] { return client.replies().size() == 1; }));
  CHECK(error_code_of(client.replies()[0]) == -32600);
  CHECK(client.replies()[0].find("id")->is_null());
  client.send("\n" + request_line(2));  // too late: nothing more is read
  test::settle(*server.loop);
  CHECK_FALSE(client.ended());
  server.answer(0);
  REQUIRE(server.until([&] { return client.ended(); }));
  CHECK(client.replies().size() == 2);
  CHECK(server.taken.size() == 1);
}

TEST_CASE("a line of exactly the bound is taken") {
  ConnectionLimits small;
  small.line_bytes_max = limits::line_bytes_max_floor;
  Server server(small);
  TestClient client(server.path());
  std::string line = request_line(1);
  line.pop_back();
  line += std::string(small.line_bytes_max - line.size(), ' ') + "\r\n";
  client.send(line);
  REQUIRE(server.until_taken(1));
}

TEST_CASE("with as many in flight as allowed nothing more is taken, not even what was read already") {
  ConnectionLimits few;
  few.in_flight_max = 3;
  Server server(few);
  TestClient client(server.path());
  std::string all;
  for (int i = 0; i < 10; ++i) {
    all += request_line(i);
  }
  client.send(all);
  client.half_close();
  REQUIRE(server.until_taken(3));
  for (std::size_t answered = 0; answered < 10; ++answered) {
    test::settle(*server.loop);
    CHECK(server.taken.size() == std::min<std::size_t>(10, answered + 3));
    server.answer(answered);
  }
  REQUIRE(server.until([&] { return client.ended(); }));
  CHECK(client.replies().size() == 10);
}

TEST_CASE("a peer that does not read is not read either, and loses nothing once it reads") {
  ConnectionLimits tight;
  tight.unsent_bytes_max = 256 * 1024;
  Server server(tight);
  constexpr std::size_t request_count = 1000;
  std::size_t handled = 0;
  server.answer_with = [&](const Request& request) {
    ++handled;
    return encode_result(request.id, Json::object({{"filler", std::string(10 * 1024, 'x')}}));
  };
  TestClient client(server.path());
  std::string all;
  for (std::size_t i = 0; i < request_count; ++i) {
    all += request_line(static_cast<std::int64_t>(i));
  }
  client.send(all);  // one write
  REQUIRE(client.all_sent());
  client.half_close();
  REQUIRE(server.until([&] { return handled > 0; }));
  test::settle(*server.loop);
  const std::size_t handled_unread = handled;
  CHECK(handled_unread < request_count / 2);  // the bound, and what the kernel buffers
  test::settle(*server.loop);
  CHECK(handled == handled_unread);

  REQUIRE(server.until([&] { return client.ended(); }));
  const auto replies = client.replies();
  REQUIRE(replies.size() == request_count);
  std::set<std::int64_t> ids;
  for (const Json& reply : replies) {
    ids.insert(id_of(reply));
  }
  CHECK(ids.size() == request_count);
}

TEST_CASE("a flood of garbage whose answers nobody reads is not read without bound") {
  ConnectionLimits tight;
  tight.unsent_bytes_max = 64 * 1024;
  Server server(tight);
  TestClient client(server.path());
  std::string garbage;
  while (garbage.size() < 16 * 1024 * 1024) {
    garbage += "x\n";
  }
  client.send(garbage);
  for (int i = 0; i < 20; ++i) {
    test::settle(*server.loop);
    client.pump();
  }
  CHECK_FALSE(client.all_sent());
}

TEST_CASE("an answer for a connection that is gone is dropped") {
  Server server;
  {
    TestClient client(server.path());
    client.send(request_line(1) + request_line(2));
    REQUIRE(server.until_taken(2));
  }
  server.answer(0);  // found out by writing
  REQUIRE(server.until([&] { return server.server->connection_count() == 0; }));
  server.answer(1);
  test::settle(*server.loop);
  TestClient next(server.path());
  next.send(request_line(1));
  REQUIRE(server.until_taken(3));
  server.server.reset();
  server.answer(2);  // the server itself is gone
}

TEST_CASE("a connection over the maximum is told so and closed, and there is room again when one goes") {
  Server server({}, 2);
  TestClient first(server.path());
  TestClient second(server.path());
  REQUIRE(server.until([&] { return server.server->connection_count() == 2; }));
  TestClient third(server.path());
  REQUIRE(server.until([&] { return third.ended(); }));
  REQUIRE(third.replies().size() == 1);
  CHECK(*third.replies()[0].find("error")->find("data")->find_string("reason") == "overloaded");
  first.close();
  REQUIRE(server.until([&] { return server.server->connection_count() == 1; }));
  TestClient fourth(server.path());
  fourth.send(request_line(4));
  REQUIRE(server.until_taken(1));
}

TEST_CASE("running out of descriptors neither ends nor spins the server") {
  Server server;
  TestClient client;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const UniqueFd next(dup(0));
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next.get()) + 1;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  client.connect_to(server.path());
  client.send(request_line(1));
  test::settle(*server.loop);
  const std::size_t connected = server.server->connection_count();
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(connected == 0);
  REQUIRE(server.until_taken(1));  // accepted after the pause
}

TEST_CASE("a stop takes nothing new, sends every answer that is owed, and then is done") {
  Server server;
  TestClient busy(server.path());
  TestClient idle(server.path());
  busy.send(request_line(1));
  REQUIRE(server.until_taken(1));
  REQUIRE(server.until([&] { return server.server->connection_count() == 2; }));
  bool stopped = false;
  server.server->stop([&] { stopped = true; });
  CHECK(access(server.path().c_str(), F_OK) != 0);
  REQUIRE(server.until([&] { return idle.ended(); }));
  busy.send(request_line(2));
  test::settle(*server.loop);
  CHECK(server.taken.size() == 1);
  CHECK_FALSE(stopped);
  server.answer(0);
  REQUIRE(server.until([&] { return busy.ended(); }));
  CHECK(busy.replies().size() == 1);
  CHECK(stopped);
}

TEST_CASE("a stop with nobody connected is done at once") {
  Server server;
  bool stopped = false;
  server.server->stop([&] { stopped = true; });
  CHECK(stopped);
}

TEST_CASE("a peer that asks without end is answered in turn with the others, and loses nothing") {
  Server server;
  std::vector<std::int64_t> order;
  server.answer_with = [&](const Request& request) {
    order.push_back(std::get<std::int64_t>(request.id));
    return encode_result(request.id, Json::object({}));
  };
  test::TestClient eager(server.path());
  test::TestClient modest(server.path());
  test::settle(*server.loop);
  constexpr std::int64_t count = 1000;
  std::string lines;
  for (std::int64_t id = 1; id <= count; ++id) {
    lines += encode_request(id, "info", nullptr) + "\n";
  }
  eager.send(lines);
  modest.send(encode_request(std::int64_t{0}, "info", nullptr) + "\n");
  REQUIRE(server.until([&] { return order.size() == count + 1; }));
  const auto modest_place = std::ranges::find(order, 0) - order.begin();
  CHECK(modest_place <= static_cast<std::int64_t>(2 * limits::lines_per_turn_max));
  std::erase(order, 0);
  CHECK(std::ranges::is_sorted(order));
}

TEST_CASE("a peer whose process is refused is told so and let go, and others are served") {
  Server server;
  bool refuses = true;
  std::vector<pid_t> asked;
  server.server->refuse_peers([&](pid_t pid) {
    asked.push_back(pid);
    return refuses;
  });
  TestClient refused(server.path());
  refused.send(request_line(1));
  REQUIRE(server.until([&] { return refused.replies().size() == 1; }));
  const Json error = *refused.replies()[0].find("error");
  CHECK(*error.find("data")->find_string("reason") == "peer_not_allowed");
  CHECK(refused.replies()[0].find("id")->is_null());
  CHECK(asked == std::vector<pid_t>{getpid()});
  CHECK(server.server->connection_count() == 0);

  refuses = false;
  TestClient served(server.path());
  served.send(request_line(2));
  REQUIRE(server.until_taken(1));
  CHECK(server.taken.size() == 1);
}

}  // namespace
}  // namespace openexec
